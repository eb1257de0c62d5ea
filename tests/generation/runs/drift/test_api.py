"""Programs compare, too: the table or the sketch is the body, faults are problem documents, strangers find nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from catalog import publishing
from catalog.models import Version
from generation.runs.models import DriftCheck
from marketplace.accounts import tokens
from marketplace.accounts.models import Scope
from tests.factories import a_dataset, a_licence, a_listing, a_person, an_account
from tests.generation.runs.drift.made import as_csv, as_sketch, dearer, drawn, kept, published
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

CALL = "/api/v1/datasets/seller/numbers/versions/1.0.0/drift-checks"


@pytest.fixture
def version() -> Version:
    return published(a_dataset(an_account("seller")), drawn(1))


def shown(name: str, version: Version | None = None) -> dict[str, str]:
    """What a program of this account shows; with ``version``, one that holds a licence to it."""
    user, account = a_person(name)
    if version is not None:
        a_licence(account, version)
    issued = tokens.issue(account, created_by=user, name="laptop", scopes=[Scope.READ])
    return {"Authorization": f"Bearer {issued.secret}"}


def sent(
    headers: dict[str, str], body: bytes, kind: str = "text/csv", query: str = "", status: int = 202
) -> dict[str, Any]:
    answer = Client(enforce_csrf_checks=True).post(CALL + query, body, content_type=kind, headers=headers)
    assert answer.status_code == status, answer.content
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    return told


def test_a_table_is_sent_compared_deleted_and_forgotten(client: Client, version: Version) -> None:
    program = shown("ann", version)
    told = sent(program, as_csv(dearer(drawn(2))), query="?target=income&name=people.csv")
    assert (told["state"], told["name"], told["report"]) == ("asked", "people.csv", None)
    work_off()
    address = f"/api/v1/drift-checks/{told['id']}"
    told = client.get(address, headers=program).json()
    assert told["state"] == "ready" and told["report"]["tables"]["default"]["model"]["fails"]
    assert told["deletion"]["receipt"].count(".") == 2 and kept() == set()
    (listed,) = client.get(CALL, headers=program).json()["checks"]
    assert listed["id"] == told["id"] and "report" not in listed
    assert client.delete(address, headers=program).status_code == 204
    assert client.get(address, headers=program).json()["report"] is None


def test_a_sketch_is_sent_as_json(client: Client, version: Version) -> None:
    program = shown("ann", version)
    told = sent(program, as_sketch(dearer(drawn(3))), "application/json")
    work_off()
    told = client.get(f"/api/v1/drift-checks/{told['id']}", headers=program).json()
    columns = told["report"]["tables"]["default"]["columns"]
    assert [one["column"] for one in columns if one["moved"] == "much"] == ["income"]
    assert told["deletion"] is None


@pytest.mark.parametrize(
    ("body", "kind", "query", "fields"),
    [
        (b"", "", "?target=nothing&q=1", {"q", "target", "file", "Content-Type"}),
        (b"a,b", "text/html", "?table=nowhere", {"Content-Type", "table"}),
        (b'{"schema": "lookalike/sketch/1", "rows": NaN}', "application/json", "", {"sketch"}),
        (b'{"schema": "lookalike/sketch/1", "rows": -1}', "application/json", "", {"sketch.rows", "sketch.columns"}),
        (b"[" * 100_000, "application/json", "", {"sketch"}),
        (b" " * ((4 << 20) + 1), "application/json", "", {"sketch"}),
    ],
)
def test_everything_wrong_is_told_at_once_and_nothing_kept(
    version: Version, body: bytes, kind: str, query: str, fields: set[str]
) -> None:
    told = sent(shown("ann", version), body, kind, query, 422)
    assert {fault["field"] for fault in told["faults"]} == fields
    assert all(fault["message"] and fault["remedy"] for fault in told["faults"])
    assert not DriftCheck.objects.exists() and kept() == set()


def test_a_body_beyond_the_limit_is_refused_unread(version: Version, settings: Any) -> None:
    settings.SOURCE_MAX_BYTES = 100
    told = sent(shown("ann", version), b"x" * 101, status=422)
    assert [fault["code"] for fault in told["faults"]] == ["maximum"]
    assert not DriftCheck.objects.exists()


def test_strangers_find_nothing_lookers_need_a_licence_and_a_session_is_no_token(
    client: Client, version: Version
) -> None:
    mine = sent(shown("ann", version), as_sketch(drawn(4)), "application/json")
    stranger = shown("ben")
    body = json.dumps({})
    for headers in ({}, stranger):
        assert client.get(CALL, headers=headers).status_code == 404
        assert client.post(CALL, body, content_type="application/json", headers=headers).status_code == 404
        assert client.get(f"/api/v1/drift-checks/{mine['id']}", headers=headers).status_code == 404
    assert client.delete(f"/api/v1/drift-checks/{mine['id']}", headers=stranger).status_code == 404
    publishing.put_on_shelf(a_listing(version.dataset).listing)
    assert client.post(CALL, body, content_type="application/json", headers=stranger).status_code == 403
    user, account = a_person("cat")
    a_licence(account, version)
    client.force_login(user)
    assert client.post(CALL, body, content_type="application/json").status_code == 401
    assert client.get(CALL).json() == {"checks": [], "next_cursor": None}


def test_too_many_are_refused_until_one_has_ended(version: Version) -> None:
    program = shown("ann", version)
    for _ in range(3):
        sent(program, as_sketch(drawn(5)), "application/json")
    told = sent(program, as_sketch(drawn(5)), "application/json", status=429)
    assert told["type"].endswith("/problems/limit")
    work_off()
    sent(program, as_sketch(drawn(5)), "application/json")
