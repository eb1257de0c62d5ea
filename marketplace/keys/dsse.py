"""DSSE envelopes around in-toto Statements (https://github.com/secure-systems-lab/dsse), Ed25519."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from marketplace.keys import keyring

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class NotVerified(Exception):
    """No signature of the envelope was made by a published key of the right purpose."""


def sign_statement(statement: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """Return the envelope of ``statement``, signed by the current key of ``purpose``; the body is RFC 8785.

    The same statement and key give the same envelope. Raises rfc8785.CanonicalizationError for what JSON cannot hold.
    """
    key = keyring.current(purpose)
    body = rfc8785.dumps(dict(statement))
    signature = keyring.private_key(key).sign(_to_be_signed(body))
    return {
        "payload": base64.b64encode(body).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.kid, "sig": base64.b64encode(signature).decode()}],
    }


def verify_envelope(envelope: Mapping[str, Any], jwks: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """Return the statement of an envelope that a published key of ``purpose`` signed. Raises NotVerified.

    The signature is checked first; then the very bytes that were checked are parsed.
    """
    try:
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise NotVerified(f"the payload is {envelope['payloadType']}, not {PAYLOAD_TYPE}")
        body = base64.b64decode(envelope["payload"], validate=True)
        signatures = {entry["keyid"]: base64.b64decode(entry["sig"], validate=True) for entry in envelope["signatures"]}
    except (KeyError, TypeError, binascii.Error) as error:
        raise NotVerified(f"this is no DSSE envelope: {error}") from error
    for key in jwks["keys"]:
        if key.get("purpose") == purpose and key["kid"] in signatures and _is_by(key, signatures[key["kid"]], body):
            statement: dict[str, Any] = json.loads(body)
            return statement
    raise NotVerified(f"no signature by a published {purpose} key holds")


def _to_be_signed(body: bytes) -> bytes:
    """DSSE's pre-authentication encoding; lengths are in bytes."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def _is_by(key: Mapping[str, Any], signature: bytes, body: bytes) -> bool:
    public = base64.urlsafe_b64decode(key["x"] + "=" * (-len(key["x"]) % 4))
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _to_be_signed(body))
    except InvalidSignature:
        return False
    return True
