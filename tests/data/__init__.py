"""Real tables for tests, taken from packages that the lock pins; nothing is copied into this repository."""
