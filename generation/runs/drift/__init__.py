"""Drift as the site tells it: of a version from the one before, and of a table that a licence holder has."""
