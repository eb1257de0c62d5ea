"""Signed tokens (JWS, compact), Ed25519: what the site says of itself and others check with its published keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from marketplace.keys import keyring

#: The one algorithm: a verifier that takes what the header names can be talked into another.
ALGORITHM = "Ed25519"


class NotVerified(Exception):
    """The token is none of ours, or not as it was signed; the message says what is wrong with it."""


@dataclass(frozen=True)
class Signed:
    """A token and the key that signed it."""

    token: str
    kid: str


def sign(claims: Mapping[str, Any], *, type: str, purpose: str) -> Signed:
    """Return ``claims`` as a token signed by the current key of ``purpose``; the body is RFC 8785.

    The same claims and key give the same token. Raises rfc8785.CanonicalizationError for what JSON cannot hold exactly.
    """
    return sign_body(rfc8785.dumps(dict(claims)), type=type, purpose=purpose)


def sign_body(body: bytes, *, type: str, purpose: str) -> Signed:
    """Sign the very bytes of a body, as they were signed before by a key that no longer counts."""
    key = keyring.current(purpose)
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": type}
    secret = _base64url(keyring.private_key(key).private_bytes_raw())
    private = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _base64url(bytes(key.public)), "d": secret})
    return Signed(jws.serialize_compact(header, body, private, algorithms=[ALGORITHM]), key.kid)


def verify(token: str, jwks: Mapping[str, Any], *, type: str, purpose: str) -> dict[str, Any]:
    """Return the claims of a token of ``type`` that a published key of ``purpose`` signed. Raises NotVerified.

    Says nothing of times: what has ended is still genuine.
    """
    try:
        header: Any = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, UnicodeEncodeError, ValueError) as error:
        raise NotVerified("This is no signed token: it takes three parts with a dot between them.") from error
    if not isinstance(header, dict):
        raise NotVerified("Its header names no algorithm and no key.")
    if header.get("alg") != ALGORITHM:
        raise NotVerified(f"It names the algorithm {_named(header, 'alg')}; only {ALGORITHM} counts.")
    if "crit" in header:
        raise NotVerified(f"It says that {_named(header, 'crit')} must be understood; nothing beyond this format is.")
    if header.get("typ") != type:
        raise NotVerified(f"It is of the type {_named(header, 'typ')}, not {type}.")
    key = next((key for key in jwks["keys"] if key["kid"] == header.get("kid")), None)
    if key is None or key.get("purpose") != purpose:
        raise NotVerified("The key that it names is not published for this purpose.")
    try:
        found = jws.deserialize_compact(token, OKPKey.import_key(dict(key)), algorithms=[ALGORITHM])
        claims = json.loads(found.payload or b"")
    except (JoseError, ValueError, TypeError) as error:  # TypeError: joserfc takes types of a header for granted
        raise NotVerified("Its signature does not hold: it was changed, or made by somebody else.") from error
    if not isinstance(claims, dict):
        raise NotVerified("Its body holds no claims.")
    return claims


def body(token: str) -> bytes:
    """The body of a token that is known to be one, unchecked."""
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _named(header: Mapping[str, Any], member: str) -> str:
    said = str(header.get(member, ""))[:40]
    # JSON can say what UTF-8 cannot: half a pair of surrogates.
    return f"“{said.encode(errors='backslashreplace').decode()}”"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
