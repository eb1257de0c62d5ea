"""What a signed token promises: one algorithm, one type, one purpose, and not a byte changed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import rfc8785
from django.db.models import F
from joserfc import jws as joserfc_jws
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey

from marketplace.keys import jws, keyring
from marketplace.keys.models import SigningKey

pytestmark = pytest.mark.django_db

CLAIMS: dict[str, Any] = {"sub": "größe", "amount": 2**53 - 1, "until": None}


def signed(claims: dict[str, Any] = CLAIMS, *, kind: str = "test+jwt", purpose: str = "licence") -> str:
    return jws.sign(claims, type=kind, purpose=purpose).token


def verified(token: str) -> dict[str, Any]:
    return jws.verify(token, keyring.jwks(), type="test+jwt", purpose="licence")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_was_signed_is_what_is_read_and_the_same_claims_give_the_same_token() -> None:
    assert verified(signed()) == CLAIMS
    assert signed() == signed()


def test_another_library_verifies_it_with_the_published_set() -> None:
    token = signed()
    found = jwt.decode(token, KeySet.import_key_set(keyring.jwks()), algorithms=["Ed25519"])
    assert found.claims == CLAIMS
    assert found.header == {"alg": "Ed25519", "kid": keyring.current("licence").kid, "typ": "test+jwt"}


def test_a_number_that_json_cannot_hold_is_not_signed() -> None:
    with pytest.raises(rfc8785.IntegerDomainError):
        signed({"amount": 2**53})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_part_is_refused(place: int) -> None:
    parts = signed().split(".")
    changed = [part({"alg": "Ed25519", "kid": keyring.current("licence").kid, "typ": "test+jwt", "x": 1}), part({}), ""]
    parts[place] = changed[place] or "A" * len(parts[2])
    with pytest.raises(jws.NotVerified, match="signature"):
        verified(".".join(parts))


def test_no_algorithm_and_the_public_key_as_a_shared_secret_are_refused() -> None:
    key = keyring.current("licence")
    body = signed().split(".")[1]
    unsigned = f"{part({'alg': 'none', 'kid': key.kid, 'typ': 'test+jwt'})}.{body}."
    header = {"alg": "HS256", "kid": key.kid, "typ": "test+jwt"}
    shared = joserfc_jws.serialize_compact(header, b"{}", OctKey.import_key(bytes(key.public)), algorithms=["HS256"])
    for token in (unsigned, shared):
        with pytest.raises(jws.NotVerified, match="algorithm"):
            verified(token)


def test_a_key_that_nobody_published_is_refused_whatever_it_calls_itself() -> None:
    own = OKPKey.generate_key("Ed25519")
    for kid in (own.thumbprint(), keyring.current("licence").kid):
        header = {"alg": "Ed25519", "kid": kid, "typ": "test+jwt"}
        with pytest.raises(jws.NotVerified):
            verified(joserfc_jws.serialize_compact(header, b"{}", own, algorithms=["Ed25519"]))


def test_the_key_of_another_purpose_and_another_type_are_refused() -> None:
    with pytest.raises(jws.NotVerified, match="purpose"):
        verified(signed(purpose="provenance"))
    with pytest.raises(jws.NotVerified, match="type"):
        verified(signed(kind="other+jwt"))


@pytest.mark.parametrize("token", ["", "nonsense", "a.b", "a.b.c.d", "größe.a.b", "..", "{}", part([]) + ".e30.AA"])  # type: ignore[arg-type]
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(jws.NotVerified):
        verified(token)


@pytest.mark.parametrize("critical", [1, None, [1], [], "b64", ["b64"], ["exp"], {}, [[]], True])
def test_a_header_that_must_be_understood_is_refused_whatever_it_names(critical: Any) -> None:
    header = {"alg": "Ed25519", "kid": keyring.current("licence").kid, "typ": "test+jwt", "crit": critical}
    with pytest.raises(jws.NotVerified, match="must be understood"):
        verified(".".join([part(header), *signed().split(".")[1:]]))


@pytest.mark.parametrize("member", ["alg", "typ", "kid", "jwk", "x5c", "b64", "jku", "cty"])
@pytest.mark.parametrize("value", [1, None, [1], {"a": 1}, True, "\ud800", 1.5])
def test_a_header_of_any_types_is_refused_in_words_that_can_be_written(member: str, value: Any) -> None:
    header = {"alg": "Ed25519", "kid": keyring.current("licence").kid, "typ": "test+jwt"}
    with pytest.raises(jws.NotVerified) as refused:
        verified(".".join([part(header | {member: value}), *signed().split(".")[1:]]))
    assert str(refused.value).encode()


@pytest.mark.parametrize("header", [1, None, True, [], "x", [None]])
def test_a_header_that_is_no_object_is_refused(header: Any) -> None:
    with pytest.raises(jws.NotVerified):
        verified(".".join([part(header), *signed().split(".")[1:]]))


def test_a_token_stays_good_when_the_key_is_rotated_and_is_bad_when_it_is_compromised() -> None:
    token = signed()
    keyring.rotate("licence")
    SigningKey.objects.update(signs_from=F("signs_from") - keyring.PUBLISHED_AHEAD)
    assert verified(token) == CLAIMS
    keyring.compromise(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"])
    with pytest.raises(jws.NotVerified, match="not published"):
        verified(token)
    again = jws.sign_body(jws.body(token), type="test+jwt", purpose="licence").token
    assert verified(again) == CLAIMS
    assert again.split(".")[1] == token.split(".")[1]
