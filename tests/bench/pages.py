"""What ``shelves`` measures: pages at a thousand listings, at a million, and from constants, in turn."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from catalog import attachments, previews, publishing
from generation.quality.profile import TableProfile, finish
from marketplace import storage
from tests.bench import constant, many
from tests.bench.measure import Figure, interleave, say, timed
from tests.factories import a_dataset, a_listing, a_version, an_account

FEW, MANY = 1_000, int(os.environ.get("BENCH_LISTINGS", "1_000_000"))
TIMES = 25
#: One listing in forty has the one, one in ten the other.
_WORD, _FREQUENT_WORD = many.word(410), many.word(50)
_TWO = "domain=finance&modality=tabular"


@dataclass(frozen=True)
class Shown:
    """A page as people see it; ``fewer`` has it show as many rows as a thousand listings have of it too."""

    name: str
    address: str
    fewer: str = ""


_PAGES = (
    Shown("browse", "/"),
    Shown("browse, two filters", f"/search?{_TWO}"),
    Shown("search, two filters", f"/search?q={_WORD}&{_TWO}", "&size=3"),
    Shown("search for a frequent word, two filters", f"/search?q={_FREQUENT_WORD}&{_TWO}", "&size=10"),
    Shown("a listing's page", "/datasets/bench/numbers"),
)
_ROW = b'name="dataset" value='


@dataclass(frozen=True)
class Shelves:
    """A database with so many listings."""

    listings: int
    wrapper: BaseDatabaseWrapper

    def open(self) -> None:
        """Have Django use this database from here on."""
        connections["default"] = self.wrapper


def measure() -> None:
    """Make both shelves, measure each page on both and from constants, and print the figures."""
    storage.ensure_bucket()
    few, much = _shelves("few", FEW), _shelves("much", MANY)
    client = Client()
    figures = []
    with override_settings(ROOT_URLCONF="tests.bench.constant", ALLOWED_HOSTS=["*"]):
        for page in _PAGES:
            much.open()
            constants = f"/constant/{_keep_constant(client, page.address)}"
            _see_that_like_is_compared(few, much, client, page)
            a, b = (partial(_get, shelves, client, page.address + page.fewer) for shelves in (few, much))
            at_few, at_many = interleave(a, b, TIMES)
            figures.append(
                Figure(page.name, f"{FEW:,} listings", f"{MANY:,} listings", "ms", at_few, at_many, limit=1.5)
            )
            a, b = (partial(_get, much, client, address) for address in (constants, page.address))
            fixed, at_many = interleave(a, b, TIMES)
            figures.append(
                Figure(f"{page.name}: with its data", "from constants", f"{MANY:,}", "ms", fixed, at_many, limit=4)
            )
    say(figures)


def _shelves(name: str, listings: int) -> Shelves:
    """A database of its own with ``listings`` listings, and one more whose page is measured."""
    wrapper = connections["default"]
    with wrapper.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE bench_{name}")
    settings = {**wrapper.settings_dict, "NAME": f"bench_{name}"}
    shelves = Shelves(listings, type(wrapper)(settings, "default"))
    outer = connections["default"]
    shelves.open()
    call_command("migrate", verbosity=0)
    statistics = _statistics()
    many.make(listings, statistics=statistics)
    dataset = a_dataset(an_account("bench"), "numbers")
    version = a_version(dataset)
    attachments.put(version, attachments.store("statistics", statistics))
    previews.make(version)
    publishing.put_on_shelf(a_listing(dataset).listing)
    connections["default"] = outer
    return shelves


def _statistics() -> bytes:
    rows = pa.table({"number": pa.array([n * n % 97 for n in range(1_000)], pa.int64())})
    profile = TableProfile(rows.schema)
    profile.add(rows)
    return json.dumps({"tables": {"default": finish(profile.partial())}}).encode()


def _keep_constant(client: Client, address: str) -> int:
    """Keep what the page at ``address`` shows now; return its number among the constants."""
    setup_test_environment()
    try:
        response = client.get(address)
        template, context = response.templates[0].name, response.context[0].flatten()
    finally:
        teardown_test_environment()
    shown = {name: value for name, value in context.items() if name not in {"request", "csrf_token", "user", "perms"}}
    constant.CONSTANTS.append(constant.Constant(template, shown))
    return len(constant.CONSTANTS) - 1


def _see_that_like_is_compared(few: Shelves, much: Shelves, client: Client, page: Shown) -> None:
    """Raise RuntimeError unless the page shows as many rows of few listings as of many."""
    rows = []
    for shelves in (few, much):
        shelves.open()
        rows.append(client.get(page.address + page.fewer).content.count(_ROW))
    if rows[0] != rows[1]:
        raise RuntimeError(f"{page.name} shows {rows[0]} rows of {FEW:,} listings and {rows[1]} of {MANY:,}")


def _get(shelves: Shelves, client: Client, address: str) -> float:
    """Milliseconds that the page takes."""
    shelves.open()
    return timed(lambda: _checked(client, address)) * 1_000


def _checked(client: Client, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"{address} answers {response.status_code}")
