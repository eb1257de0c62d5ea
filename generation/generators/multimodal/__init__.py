"""Generators of several modalities at once."""
