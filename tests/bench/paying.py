"""What ``payments`` measures: our way against a bare insert of the rows that it leaves, each with all its indexes."""

from __future__ import annotations

import http.client
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from billing import purchases
from billing.models import Event, Purchase
from billing.settling import settle
from catalog import offers, publishing, terms
from catalog.models import Listing
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.local.processes import Child, accepts, free_port
from marketplace.local.stripe.webhooks import sign
from tests.bench.measure import Figure, interleave, say, timed
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account
from tests.stripe_world import StripeWorld
from tests.workers import environment

EVENTS = 100
PURCHASES = 5
TIMES = 5
Rows = Mapping[str, Sequence[str]]
_counter = itertools.count()


def measure() -> None:
    """Measure both, and print the figures."""
    call_command("migrate", verbosity=0)
    storage.ensure_bucket()
    world = StripeWorld(settings.STRIPE_API_BASE, settings.STRIPE_API_KEY)
    say([_events(), _purchases(world)])


def _events() -> Figure:
    with _site() as port:
        web = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        rows = _rows_of(partial(_post_events, web))
        bare, ours = interleave(
            lambda: _put_back(rows, EVENTS), lambda: timed(partial(_post_events, web)) / EVENTS * 1_000, TIMES
        )
        web.close()
    if Event.objects.count() < TIMES * EVENTS:
        raise RuntimeError("not all events were stored")
    return Figure("an event of Stripe's taken in", "bare insert of its rows", "verified, by HTTP", "ms", bare, ours)


def _post_events(web: http.client.HTTPConnection) -> None:
    for _ in range(EVENTS):
        told = {"id": f"evt_{uuid4().hex}", "type": "charge.updated", "data": {"object": {"id": f"ch_{uuid4().hex}"}}}
        body = json.dumps(told | {"object": "event", "padding": "x" * 3_000})
        headers = {"Stripe-Signature": sign(body, settings.STRIPE_WEBHOOK_SECRETS[0])}
        web.request("POST", "/webhooks/stripe", body, headers | {"Content-Type": "application/json"})
        answer = web.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"an event was answered {answer.status}")


def _purchases(world: StripeWorld) -> Figure:
    dataset = a_dataset(an_account("selling"))
    a_version(dataset)
    listing = a_listing(dataset, price=100).listing
    publishing.put_on_shelf(listing)
    _, buyer = a_person("buyer")
    _buy(world, listing, buyer)  # makes what all purchases share
    rows = _rows_of(partial(_buy, world, listing, buyer))
    bare, ours = interleave(
        lambda: _put_back(rows, PURCHASES),
        lambda: timed(partial(_buy, world, listing, buyer)) / PURCHASES * 1_000,
        TIMES,
    )
    return Figure("a purchase, click to licence", "bare insert of its rows", "with Stripe's part", "ms", bare, ours)


def _buy(world: StripeWorld, listing: Listing, buyer: Account) -> None:
    """Buy so many licences, each under an offer that nobody took yet."""
    for _ in range(PURCHASES):
        offer = offers.open_offer(listing, terms.standard(terms.Kind.COMMERCIAL), price=9_900, days=1 + next(_counter))
        purchase = purchases.buy(buyer, offer, by=None, key=uuid7())
        world.pay(purchases.pay(purchase))
        settle(purchase.payment_id)
        purchase.refresh_from_db()
        if purchase.state != Purchase.State.FULFILLED:
            raise RuntimeError(f"a purchase ended {purchase.state}")


def _rows_of(work: Callable[[], object]) -> Rows:
    """The rows that ``work`` adds, as JSON, by table; not those that it changes."""
    before = {table: _all(table) for table in _tables()}
    work()
    return {
        table: new
        for table, known in before.items()
        if (new := [row for key, row in _all(table).items() if key not in known])
    }


def _tables() -> list[str]:
    ours = ("billing_", "catalog_", "work_")
    return [table for table in connection.introspection.table_names() if table.startswith(ours)]


def _all(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        key = connection.introspection.get_primary_key_column(cursor, table)
        cursor.execute(f'SELECT "{key}"::text, row_to_json(t)::text FROM "{table}" AS t')
        return dict(cursor.fetchall())


def _put_back(rows: Rows, transactions: int) -> float:
    """Take the rows away, and write them again in so many transactions; milliseconds of one of these."""
    with _without_triggers():
        with connection.cursor() as cursor:
            for table, found in rows.items():
                key = connection.introspection.get_primary_key_column(cursor, table)
                keys = [str(json.loads(row)[key]) for row in found]
                cursor.execute(f'DELETE FROM "{table}" WHERE "{key}"::text = ANY(%s)', [keys])
        shares = [
            [(table, row) for table, found in rows.items() for row in found[part::transactions]]
            for part in range(transactions)
        ]
        return timed(lambda: [_insert(share) for share in shares]) / transactions * 1_000


def _insert(share: Sequence[tuple[str, str]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, row in share:
            cursor.execute(f'INSERT INTO "{table}" SELECT * FROM json_populate_record(NULL::"{table}", %s)', [row])


@contextmanager
def _without_triggers() -> Iterator[None]:
    """Rows that refer to each other may come in any order, and nothing that the database checks is paid for."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


@contextmanager
def _site() -> Iterator[int]:
    """The site by Granian, with one worker; yields its port."""
    port = free_port(0)
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "1", "--blocking-threads", "4", "--log-level", "warning"),
        "marketplace.wsgi:application",
    ]
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as home:
        told: dict[str, Any] = environment() | {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
        site = Child("web", command, told, Path(home) / "log", healthy=lambda: accepts(port))
        try:
            site.start()
            site.wait_until_healthy(60)
            yield port
        finally:
            site.stop()
