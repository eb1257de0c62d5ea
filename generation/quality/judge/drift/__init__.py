"""Drift: how a table differs from another, or a sketch of a table that nobody may see from a version's statistics."""
