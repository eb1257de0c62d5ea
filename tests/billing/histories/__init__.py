"""Histories of money: what may happen to payments, in any order, and what must be true all the while and at the end."""
