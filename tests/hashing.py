"""Passwords of tests: hashed as everywhere, but once, because a million times costs each test a quarter of a second."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    """Django's own hash of the same name; how often it went round is kept with each, so processes of ours read it."""

    iterations = 1
