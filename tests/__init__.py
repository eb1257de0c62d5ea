"""Tests, by what is promised."""
