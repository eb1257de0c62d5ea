"""Making, finding and publishing keys."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from marketplace.keys.models import SigningKey

#: A new key is published this long before it signs, so that nobody's copy of the set lacks it.
PUBLISHED_AHEAD = timedelta(days=1)
_NONCE = 12


class KeySealed(Exception):
    """The private half cannot be opened: the deployment's secret changed."""


def current(purpose: str) -> SigningKey:
    """The key that signs for ``purpose`` now; the very first one is made here, once, whoever asks first."""
    found = SigningKey.objects.usable(purpose).first()
    if found is not None:
        return found
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"first signing key: {purpose}"])
        return SigningKey.objects.usable(purpose).first() or _make(purpose, timedelta(0))


def rotate(purpose: str) -> SigningKey:
    """Make the key that will sign from tomorrow; it is published at once."""
    return _make(purpose, PUBLISHED_AHEAD)


def compromise(kid: str) -> SigningKey:
    """Take a key out of the published set, for good, and return the one that signs from now on.

    Whoever keeps what it signed signs that again. Raises LookupError for a key that is not published.
    """
    key = SigningKey.objects.filter(kid=kid, compromised_at=None).first()
    if key is None:
        raise LookupError(f"No published key is called {kid}.")
    SigningKey.objects.filter(kid=kid).update(compromised_at=Now())
    return current(key.purpose)


def private_key(key: SigningKey) -> Ed25519PrivateKey:
    """Open the private half. Raises KeySealed."""
    sealed = bytes(key.sealed)
    try:
        raw = _box().decrypt(sealed[:_NONCE], sealed[_NONCE:], key.kid.encode())
    except InvalidTag:
        raise KeySealed(f"{key} was sealed with another LOOKALIKE_KEYS_SECRET or SECRET_KEY") from None
    return Ed25519PrivateKey.from_private_bytes(raw)


def jwks() -> dict[str, Any]:
    """The published set (RFC 7517): every key ever used, but compromised ones."""
    return {"keys": [jwk(key) for key in SigningKey.objects.filter(compromised_at=None).order_by("published_at")]}


def jwk(key: SigningKey) -> dict[str, Any]:
    """The public half as a JWK; ``purpose`` is ours, readers that do not know it pass over it."""
    return {
        **_public_members(bytes(key.public)),
        "alg": "Ed25519",
        "use": "sig",
        "kid": key.kid,
        "purpose": key.purpose,
    }


def thumbprint(public: bytes) -> str:
    """RFC 7638 thumbprint of an Ed25519 public key of 32 bytes."""
    return _base64url(hashlib.sha256(rfc8785.dumps(_public_members(public))).digest())


def _make(purpose: str, ahead: timedelta) -> SigningKey:
    private, public, kid = _drawn()
    nonce = secrets.token_bytes(_NONCE)
    sealed = nonce + _box().encrypt(nonce, private.private_bytes_raw(), kid.encode())
    key = SigningKey.objects.create(kid=kid, purpose=purpose, public=public, sealed=sealed, signs_from=Now() + ahead)
    key.refresh_from_db()
    return key


def _drawn() -> tuple[Ed25519PrivateKey, bytes, str]:
    """A key with its public half and its name, which begins with no hyphen: a command would take it for an option."""
    while True:
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        kid = thumbprint(public)
        if not kid.startswith("-"):
            return private, public, kid


def _box() -> AESGCM:
    """The cipher that private halves are sealed with, from the deployment's secret (HKDF, RFC 5869)."""
    derived = HKDF(hashes.SHA256(), length=32, salt=None, info=b"lookalike signing keys v1")
    return AESGCM(derived.derive(settings.KEYS_SECRET.encode()))


def _public_members(public: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
