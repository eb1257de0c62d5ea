"""Drawing a seed and committing to it before anybody has seen it."""

from __future__ import annotations

import hashlib
import secrets

SEED_BYTES = 16
SALT_BYTES = 32


def draw_seed() -> bytes:
    """Return 128 fresh bits. One seed a run, never reused for the next version."""
    return secrets.token_bytes(SEED_BYTES)


def draw_salt() -> bytes:
    """Return the 256 bits that keep a commitment from being opened by trying seeds."""
    return secrets.token_bytes(SALT_BYTES)


def commitment(seed: bytes, salt: bytes) -> str:
    """Return SHA-256(b"lookalike/seed/v1" + NUL + salt + seed) as 64 hex digits.

    Raises ``ValueError`` unless the seed has 16 bytes and the salt 32: other lengths would make the sum ambiguous.
    """
    if len(seed) != SEED_BYTES or len(salt) != SALT_BYTES:
        raise ValueError(f"a seed has {SEED_BYTES} bytes and a salt {SALT_BYTES}, not {len(seed)} and {len(salt)}")
    return hashlib.sha256(b"lookalike/seed/v1\0" + salt + seed).hexdigest()
