"""Every address of a dataset, tried by those who may not have it: a private one is not there, a public one gives its
free sample and nothing else.

The addresses are read from the site itself, so one that is added later is tried too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from uuid_utils.compat import uuid7

from catalog import publishing
from catalog.models import Version
from marketplace import storage
from marketplace.accounts import tokens
from marketplace.accounts.models import Membership, Scope
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

SAMPLE, BOUGHT = "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"
#: What stands for the parameters of an address that do not name the dataset.
FILLED = {
    "number": "1.0.0",
    "revision": "main",
    "kind": "statistics",
    "offer": str(uuid7()),
    "sha256": "0" * 64,
    "place": "12",  # beyond the free sample
}
#: What differs from answer to answer and tells nothing: the id of the request, the form's secret, the clock.
NOISE = re.compile(
    r'csrfmiddlewaretoken" value="[^"]*"|"?request[-_ ]?id"?\W+[\w-]+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}', re.I
)


def addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        elif "<slug:owner>/<slug:name>" in route and route.startswith(("datasets/", "api/")):
            yield route


ADDRESSES = sorted(set(addresses(get_resolver().url_patterns)))


def address(route: str, owner: str, name: str, path: str) -> str:
    filled = {**FILLED, "owner": owner, "name": name, "path": path}
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: filled[found[1]], route)


@pytest.fixture
def strangers() -> dict[str, dict[str, object]]:
    """Those who hold nothing: how each asks."""
    user, _ = a_person("stranger")
    team = an_account("team")
    Membership.objects.create(account=team, user=user)
    issued = tokens.issue(team, created_by=user, name="laptop", scopes=[Scope.READ])
    return {
        "anybody": {},
        "somebody signed in": {"user": user},
        "a program": {"headers": {"Authorization": f"Bearer {issued.secret}"}},
    }


def asked(who: dict[str, object], method: str, where: str) -> tuple[int, str]:
    """The status, and all that is told beside it."""
    client = Client(raise_request_exception=True)
    if user := who.get("user"):
        client.force_login(user)  # type: ignore[arg-type]
    response = getattr(client, method)(where, headers=who.get("headers") or {})
    body = b"".join(response.streaming_content) if response.streaming else response.content
    told = response.headers.get("Location", "") + response.headers.get("X-Error-Message", "")
    return response.status_code, told + body.decode("latin-1")


def test_there_are_addresses_to_try() -> None:
    assert len(ADDRESSES) > 30


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_private_dataset_answers_like_a_name_that_does_not_exist(
    method: str, strangers: dict[str, dict[str, object]]
) -> None:
    owner, _ = a_person("owner")
    dataset = a_dataset(owner.memberships.get().account, "heron-a")
    a_version(dataset)
    told: list[str] = []
    for route in ADDRESSES:
        for who, how in strangers.items():
            there = asked(how, method, address(route, "owner", "heron-a", SAMPLE))
            nowhere = asked(how, method, address(route, "owner", "heron-b", SAMPLE))
            hidden, nothing = NOISE.sub("", there[1]).replace("heron-a", "heron-b"), NOISE.sub("", nowhere[1])
            same = there[0] == nowhere[0] and hidden == nothing
            if not same or there[0] < 300:
                told.append(f"{method} {route} as {who}: {there[0]} where nothing is {nowhere[0]}")
    assert not told, "\n".join(told)


def contents(version: Version, path: str) -> bytes:
    return storage.read_blob(version.files.get(path=path).sha256)


def test_without_a_licence_a_public_dataset_gives_its_free_sample_and_nothing_else(
    strangers: dict[str, dict[str, object]],
) -> None:
    dataset = a_dataset(an_account("seller"))
    version = a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    hidden = [str(value) for value in pq.read_table(pa.BufferReader(contents(version, BOUGHT)))["number"].to_pylist()]
    key = storage.blob_key(version.files.get(path=BOUGHT).sha256)
    told = []
    for route in ADDRESSES:
        queries = ["", "?offset=10&length=10", "?offset=0&length=100", "?where=number>=0&length=100"]
        for query in queries if "/v1/" in route else [""]:
            for who, how in strangers.items():
                where = address(route, "seller", "numbers", BOUGHT) + query
                status, body = asked(how, "get", where)
                rows = re.findall(r'"number"\s*:\s*(\d+)', body)
                if key in body or set(rows) & set(hidden):
                    told.append(f"{where} as {who}: {status}")
    assert not told, "\n".join(told)


def test_with_a_licence_the_same_addresses_give_the_file_so_the_test_above_would_see_it() -> None:
    user, account = a_person("buyer")
    dataset = a_dataset(an_account("seller"))
    version = a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    a_licence(account, version)
    key = storage.blob_key(version.files.get(path=BOUGHT).sha256)
    given = [
        route
        for route in ADDRESSES
        if key in asked({"user": user}, "get", address(route, "seller", "numbers", BOUGHT))[1]
    ]
    assert any("files" in route for route in given), given
    rows = asked({"user": user}, "get", "/api/v1/datasets/seller/numbers/rows?config=default&split=train&offset=10")
    assert '"number"' in rows[1]
