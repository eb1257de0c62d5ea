"""Documents about versions: the table of their kinds, their shapes, and when one may take the place of another."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection
from django.test import Client
from pydantic import TypeAdapter, ValidationError

from catalog import attachments, delivery, licensing, publishing
from catalog.attachments import AttachmentKind
from catalog.models import Delivery, Licence, Version
from generation.quality.profile import TableProfile, finish
from marketplace import storage
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

JSON = "application/json"
FIDELITY = AttachmentKind("fidelity", "Fidelity report", "1", JSON, TypeAdapter(dict[str, Any]), from_source=True)
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "manifest.json", "digest": {"sha256": "1" * 64}}],
}
REPLAY = {
    **STATEMENT,
    "predicateType": "https://market.example/predicates/replay/v1",
    "predicate": {
        "runtime": "sha256:" + "2" * 64,
        "sameRuntime": True,
        "files": [{"path": "data/train-00000-of-00001.parquet", "outcome": "same digest"}],
        "words": "Made again under the same runtime: of 1 files 1 gave the same digest.",
    },
}
PROVENANCE = {
    **STATEMENT,
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {
        "buildDefinition": {
            "buildType": "https://market.example/x",
            "externalParameters": {},
            "internalParameters": {},
        },
        "runDetails": {"builder": {"id": "https://market.example/builders/house/v1"}},
    },
}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A table with one kind more."""
    monkeypatch.setattr(attachments, "_kinds", dict(attachments._kinds))
    attachments.register(FIDELITY)
    yield


@pytest.fixture
def version() -> Version:
    return a_version(a_dataset(an_account()))


def learnt_from_an_upload(version: Version) -> Version:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("""UPDATE catalog_version SET recipe = jsonb_set(recipe, '{source,kind}', '"full"')""")
        cursor.execute("SET LOCAL session_replication_role = origin")
    return Version.objects.get(id=version.id)


def statistics() -> dict[str, Any]:
    rows = pa.table({"number": range(1000), "few": [None, 1, 2, 3] * 250, "word": ["a", "b"] * 500})
    profile = TableProfile(rows.schema)
    profile.add(rows)
    return {"tables": {"default": finish(profile.partial())}}


def envelope(statement: dict[str, Any]) -> dict[str, Any]:
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {
        "payload": payload,
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "k", "sig": "c2ln"}],
    }


def test_every_document_that_a_version_may_have_is_in_the_table() -> None:
    told = {name: attachments.kind(name) for name in ("preview", "statistics", "attestation", "answer-key", "replay")}
    assert {name: kind.code_version for name, kind in told.items()} == {**dict.fromkeys(told, "1"), "statistics": "2"}
    assert {name for name, kind in told.items() if not kind.public} == {"answer-key"}
    with pytest.raises(LookupError, match="no part registered the kind of document horoscope"):
        attachments.kind("horoscope")


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (FIDELITY, "registered twice"),
        (replace(FIDELITY, name="Two Words"), "no name with a version"),
        (replace(FIDELITY, name="another", code_version="soon"), "no name with a version"),
        (replace(FIDELITY, name="another", media_type="text/html"), "so that their shape can be checked"),
        (replace(FIDELITY, name="another", work="catalog.drift"), "computed from its source"),
    ],
)
@pytest.mark.usefixtures("registered")
def test_the_table_refuses_a_row_that_cannot_be_right(kind: AttachmentKind, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        attachments.register(kind)


def test_publishing_asks_for_what_is_computed_from_the_version_alone(
    registered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(attachments._kinds, "fidelity", replace(FIDELITY, from_source=False, work="catalog.preview"))
    asked = sorted(attachments.work_at_publishing())
    assert asked == ["catalog.difference", "catalog.preview", "catalog.preview", "runs.drift"]
    version = a_version(a_dataset(an_account()))
    assert set(Piece.objects.filter(subject=version.id).values_list("kind", flat=True)) == set(asked)


def test_a_document_is_stored_first_and_then_attached_with_the_version_of_its_code(version: Version) -> None:
    body = json.dumps(statistics()).encode()
    finding = attachments.store("statistics", body)
    assert not version.attachments.exists()
    attachment = attachments.put(version, finding)
    assert (attachment.code_version, attachment.media_type) == ("2", JSON)
    assert (attachment.sha256, attachment.bytes) == (hashlib.sha256(body).hexdigest(), len(body))
    assert attachments.load(attachment) == statistics()


def less(document: dict[str, Any], *path: Any) -> dict[str, Any]:
    """The document without what lies at ``path``."""
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return copy


def other(document: dict[str, Any], value: Any, *path: Any) -> dict[str, Any]:
    """The document with ``value`` at ``path``."""
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


COLUMN = ("tables", "default", "columns", 0)
WRONG: dict[str, tuple[str, Callable[[], Any]]] = {
    "no table": ("statistics", lambda: {"tables": {}}),
    "no rows": ("statistics", lambda: less(statistics(), "tables", "default", "rows")),
    "no count": ("statistics", lambda: less(statistics(), *COLUMN, "count")),
    "fewer than no values": ("statistics", lambda: other(statistics(), -1, *COLUMN, "nulls")),
    "an unknown kind": ("statistics", lambda: other(statistics(), "colour", *COLUMN, "kind")),
    "an estimate without an error": ("statistics", lambda: other(statistics(), False, *COLUMN, "distinct", "exact")),
    "an error beyond use": ("statistics", lambda: other(statistics(), 0.6, *COLUMN, "quantiles", "rank_error")),
    "exact with an error": ("statistics", lambda: other(statistics(), True, *COLUMN, "histogram", "exact")),
    "a count without edges": ("statistics", lambda: other(statistics(), [1], *COLUMN, "histogram", "counts")),
    "another schema": ("statistics", lambda: other(statistics(), "x/1", "tables", "default", "schema")),
    "no signature": ("attestation", lambda: envelope(PROVENANCE) | {"signatures": []}),
    "no statement": ("attestation", lambda: envelope(PROVENANCE) | {"payload": "bm8gSlNPTg=="}),
    "no base64": ("attestation", lambda: envelope(PROVENANCE) | {"payload": "{}"}),
    "another payload": ("attestation", lambda: envelope(PROVENANCE) | {"payloadType": "text/plain"}),
    "no subject": ("attestation", lambda: envelope(PROVENANCE | {"subject": []})),
    "no builder": ("attestation", lambda: envelope(less(PROVENANCE, "predicate", "runDetails", "builder"))),
    "a replay for provenance": ("attestation", lambda: envelope(REPLAY)),
    "provenance for a replay": ("replay", lambda: envelope(PROVENANCE)),
    "an outcome unheard of": ("replay", lambda: envelope(other(REPLAY, "fine", "predicate", "files", 0, "outcome"))),
    "no words": ("replay", lambda: envelope(less(REPLAY, "predicate", "words"))),
    "no object": ("answer-key", list),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_document_of_another_shape_is_refused_before_it_is_stored(what: str) -> None:
    name, wrong = WRONG[what]
    body = json.dumps(wrong(), indent=1).encode()  # no other test stores these bytes
    with pytest.raises(ValidationError):
        attachments.store(name, body)
    with pytest.raises(storage.ObjectMissing):
        storage.read_blob(hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("statistics", statistics()),
        ("attestation", envelope(PROVENANCE)),
        ("replay", envelope(REPLAY)),
        ("answer-key", {"planted": {"rate": 0.01}}),
    ],
)
def test_a_document_of_the_right_shape_is_stored_as_it_is(name: str, document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    assert storage.read_blob(attachments.store(name, body).blob.sha256) == body


def test_better_code_replaces_a_document(version: Version) -> None:
    for planted in (1, 2):
        attachments.put(version, attachments.store("answer-key", json.dumps({"planted": planted}).encode()))
    assert attachments.load(version.attachments.get()) == {"planted": 2}


@pytest.mark.usefixtures("registered")
def test_what_was_computed_from_a_source_is_never_remade(version: Version) -> None:
    fitted = learnt_from_an_upload(version)
    first = attachments.store("fidelity", b'{"score": 0.9}')
    assert attachments.put(fitted, first) == attachments.put(fitted, first)
    with pytest.raises(attachments.SourceGone, match="fidelity report of acme/numbers"):
        attachments.put(fitted, attachments.store("fidelity", b'{"score": 1.0}'))
    assert attachments.load(fitted.attachments.get()) == {"score": 0.9}


@pytest.mark.usefixtures("registered")
def test_where_no_source_went_in_the_same_document_may_be_made_anew(version: Version) -> None:
    for score in (0.9, 1.0):
        attachments.put(version, attachments.store("fidelity", json.dumps({"score": score}).encode()))
    assert attachments.load(version.attachments.get()) == {"score": 1.0}


def test_documents_are_served_to_whoever_may_look_and_the_answer_key_to_licence_holders(client: Client) -> None:
    dataset = a_dataset(an_account("seller"))
    version = a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    attachments.put(version, attachments.store("replay", json.dumps(envelope(REPLAY)).encode()))
    attachments.put(version, attachments.store("answer-key", b"{}"))
    base = "/datasets/seller/numbers/versions/1.0.0/documents"
    assert client.get(f"{base}/replay.json")["Content-Type"] == "application/vnd.in-toto+json"
    assert client.get(f"{base}/answer-key.json").status_code == 403
    assert client.get(f"{base}/statistics.json").status_code == 404
    assert client.get(f"{base}/horoscope.json").status_code == 404
    assert "of 1 files 1 gave the same digest" in client.get("/datasets/seller/numbers/provenance").content.decode()
    assert licensing.is_public(version)


def test_the_answer_key_is_recorded_as_taken_and_what_everybody_may_see_is_not(
    client: Client, version: Version
) -> None:
    publishing.put_on_shelf(a_listing(version.dataset).listing)
    attachments.put(version, attachments.store("replay", json.dumps(envelope(REPLAY)).encode()))
    attachments.put(version, attachments.store("answer-key", b'{"planted": [1]}'))
    base = "/datasets/acme/numbers/versions/1.0.0/documents"
    user, account = a_person("bob")
    licences = Licence.objects.filter(id=a_licence(account, version).id)
    client.force_login(user)
    assert client.get(f"{base}/replay.json").status_code == 200
    assert not delivery.was_used(licences)
    assert client.get(f"{base}/answer-key.json").json() == {"planted": [1]}
    assert [(one.path, one.version) for one in Delivery.objects.all()] == [("documents/answer-key.json", version)]
    assert delivery.was_used(licences)


def test_a_document_whose_kind_no_installed_part_knows_is_not_there(
    client: Client, version: Version, registered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.put_on_shelf(a_listing(version.dataset).listing)
    attachments.put(version, attachments.store("fidelity", b"{}"))
    address = "/datasets/acme/numbers/versions/1.0.0/documents/fidelity.json"
    assert client.get(address).status_code == 200
    monkeypatch.delitem(attachments._kinds, "fidelity")
    assert client.get(address).status_code == 404
