"""Quotes, orders, and delivery of what was ordered."""
