"""What signatures promise: whoever has the published keys can check them, with others' tools too."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client, override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from marketplace.keys import dsse, keyring
from marketplace.keys.models import SigningKey

pytestmark = pytest.mark.django_db

STATEMENT: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "größe.parquet", "digest": {"sha256": "0" * 64}}],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {"units": 2**53 - 1, "share": 0.2},
}

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=10,
)


def test_an_envelope_is_verified_by_securesystemslib() -> None:
    envelope = dsse.sign_statement(STATEMENT, "provenance")
    [key] = keyring.jwks()["keys"]
    public = base64.urlsafe_b64decode(key["x"] + "=").hex()
    known = SSlibKey(key["kid"], "ed25519", "ed25519", {"public": public})
    checked = Envelope.from_dict(json.loads(json.dumps(envelope))).verify([known], 1)
    assert list(checked) == [key["kid"]]


@given(statement=st.dictionaries(_text, _json, max_size=4))
@hypothesis_settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_signed_is_what_is_read(statement: dict[str, Any]) -> None:
    envelope = dsse.sign_statement(statement, "provenance")
    assert dsse.verify_envelope(envelope, keyring.jwks(), "provenance") == statement


def test_the_same_statement_and_key_give_the_same_envelope() -> None:
    assert dsse.sign_statement(STATEMENT, "provenance") == dsse.sign_statement(STATEMENT, "provenance")


def test_a_changed_body_is_refused() -> None:
    envelope = dsse.sign_statement(STATEMENT, "provenance")
    envelope["payload"] = base64.b64encode(b'{"units":1}').decode()
    with pytest.raises(dsse.NotVerified):
        dsse.verify_envelope(envelope, keyring.jwks(), "provenance")


def test_the_key_of_another_purpose_signs_no_provenance() -> None:
    envelope = dsse.sign_statement(STATEMENT, "licence")
    with pytest.raises(dsse.NotVerified):
        dsse.verify_envelope(envelope, keyring.jwks(), "provenance")


def test_what_is_no_envelope_is_refused() -> None:
    with pytest.raises(dsse.NotVerified):
        dsse.verify_envelope({"payloadType": dsse.PAYLOAD_TYPE}, keyring.jwks(), "provenance")


def test_a_new_key_is_published_a_day_before_it_signs_and_the_old_one_stays() -> None:
    old = keyring.current("provenance")
    new = keyring.rotate("provenance")
    assert keyring.current("provenance") == old
    assert {key["kid"] for key in keyring.jwks()["keys"]} == {old.kid, new.kid}
    SigningKey.objects.update(signs_from=F("signs_from") - keyring.PUBLISHED_AHEAD)
    assert keyring.current("provenance") == new
    assert {key["kid"] for key in keyring.jwks()["keys"]} == {old.kid, new.kid}


def test_a_compromised_key_leaves_the_set_and_signs_no_more() -> None:
    old = keyring.current("provenance")
    call_command("compromise_key", old.kid)
    assert old.kid not in {key["kid"] for key in keyring.jwks()["keys"]}
    assert keyring.current("provenance").kid != old.kid
    with pytest.raises(CommandError, match="No published key"):
        call_command("compromise_key", old.kid)


def test_no_key_has_a_name_that_a_command_takes_for_an_option() -> None:
    kids = [keyring.rotate("provenance").kid for _ in range(300)]
    assert [kid for kid in kids if kid.startswith("-")] == []


def test_the_private_half_is_sealed_in_the_database() -> None:
    key = keyring.current("provenance")
    assert keyring.private_key(key).private_bytes_raw() not in bytes(key.sealed)
    with override_settings(KEYS_SECRET="another"), pytest.raises(keyring.KeySealed):
        keyring.private_key(key)


def test_the_key_set_is_public_and_kept_for_an_hour(client: Client) -> None:
    key = keyring.current("licence")
    answer = client.get("/.well-known/jwks.json")
    assert answer.json()["keys"][0] == keyring.jwk(key)
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert "d" not in answer.json()["keys"][0]
