"""What the stand-in knows, in one SQLite file: a world for each API key, which knows nothing of the others.

An object is kept as the JSON that the API shows; its fields whose names begin with ``_`` are never shown. Requests are
served one after the other, each in one transaction.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketplace.local.stripe.document import Document
from marketplace.local.stripe.errors import missing

Object = dict[str, Any]

#: Beginnings of ids, by kind: https://docs.stripe.com/api. They tell people what an id is of; programs may not ask.
PREFIXES = {
    "account": "acct",
    "balance_transaction": "txn",
    "bank_account": "ba",
    "charge": "ch",
    "checkout.session": "cs_test",
    "customer": "cus",
    "dispute": "du",
    "event": "evt",
    "invoice": "in",
    "item": "li",
    "line_item": "il",
    "payment": "py",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payout": "po",
    "price": "price",
    "product": "prod",
    "refund": "re",
    "setup_attempt": "setatt",
    "setup_intent": "seti",
    "tax.calculation": "taxcalc",
    "tax.calculation_line_item": "tax_li",
    "tax_rate": "txr",
    "transfer": "tr",
    "transfer_reversal": "trr",
    "webhook_endpoint": "we",
}
#: What each byte stands for in an id.
_LETTERS = bytes((string.ascii_letters + string.digits).encode()[byte % 62] for byte in range(256))
_USUAL_LENGTH = 24
_TABLES = """
CREATE TABLE IF NOT EXISTS worlds (world TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, world TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (world, account, kind, number);
CREATE TABLE IF NOT EXISTS timers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, world TEXT NOT NULL, account TEXT NOT NULL, due REAL NOT NULL,
    really_due REAL NOT NULL, what TEXT NOT NULL, id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (world, due);
CREATE INDEX IF NOT EXISTS timers_by_real_time ON timers (really_due);
CREATE TABLE IF NOT EXISTS answers (
    world TEXT NOT NULL, key TEXT NOT NULL, asked TEXT NOT NULL, at REAL NOT NULL, request TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (world, key)
);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, world TEXT NOT NULL, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due);
CREATE TABLE IF NOT EXISTS violations (
    number INTEGER PRIMARY KEY AUTOINCREMENT, world TEXT NOT NULL, at REAL NOT NULL, request TEXT NOT NULL,
    sentence TEXT NOT NULL
);
"""
#: Tables that a world's reset empties; what was found wrong with the stand-in stays known.
_OF_A_WORLD = ("objects", "timers", "answers", "deliveries", "worlds")


@dataclass(frozen=True)
class Page:
    """Some objects of a list, newest first, and whether there are more."""

    objects: list[Object]
    has_more: bool


class Store:
    """The file, and the worlds in it."""

    def __init__(self, file: Path, document: Document, *, contrary: bool = False) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.document, self.contrary = document, contrary
        self.database = sqlite3.connect(file, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self.database.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another transaction, part of that."""
        if self.database.in_transaction:
            yield
            return
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def world(self, key: str, account: str = "", base: str = "") -> World:
        """The world of an API key, as the platform or as one of its connected accounts sees it."""
        return World(self, key, account=account, base=base)

    def owner(self, name: str, base: str = "") -> World | None:
        """The world in which this object is."""
        row = self.database.execute("SELECT world, account FROM objects WHERE id = ?", [name]).fetchone()
        return self.world(row[0], row[1], base) if row else None

    def waiting(self) -> list[str]:
        """The keys of worlds in which something's time has come."""
        rows = self.database.execute("SELECT DISTINCT world FROM timers WHERE really_due <= ?", [time.time()])
        return [row[0] for row in rows]

    def note_violation(self, world: str, request: str, sentence: str) -> None:
        """Write down that an answer, or a question, broke Stripe's contract."""
        self.database.execute(
            "INSERT INTO violations (world, at, request, sentence) VALUES (?, ?, ?, ?)",
            [world, time.time(), request, sentence],
        )

    def violations(self, world: str | None = None) -> list[dict[str, str]]:
        """What was written down, of one world or of all."""
        rows = self.database.execute("SELECT world, request, sentence FROM violations ORDER BY number")
        return [
            {"request": request, "violation": sentence}
            for key, request, sentence in rows
            if world is None or key == world
        ]


class World:
    """All that one API key can see. ``account`` is empty for the platform itself."""

    def __init__(self, store: Store, key: str, *, account: str = "", base: str = "") -> None:
        self.store, self.key, self.account, self.base = store, key, account, base
        self.document = store.document
        #: Which request brings about what happens now, if any.
        self.request_id: str | None = None
        self.idempotency_key: str | None = None
        row = store.database.execute("SELECT facts FROM worlds WHERE world = ?", [key]).fetchone()
        self._facts: dict[str, Any] = json.loads(row[0]) if row else {}

    # What is said about the world itself

    def fact(self, name: str, default: Any = None) -> Any:
        """A setting of this world, such as its tax rate."""
        return self._facts.get(name, default)

    def settle(self, name: str, value: Any) -> None:
        """Change a setting."""
        self._facts[name] = value
        self.store.database.execute(
            "INSERT INTO worlds VALUES (?, ?) ON CONFLICT (world) DO UPDATE SET facts = excluded.facts",
            [self.key, json.dumps(self._facts)],
        )

    @property
    def contrary(self) -> bool:
        """Does this world do all that Stripe's documentation does not forbid?"""
        return bool(self.fact("contrary", self.store.contrary))

    @property
    def now(self) -> int:
        """This world's time, in whole seconds as Stripe tells it: its clock can be moved forward."""
        return int(self.exact_now)

    @property
    def exact_now(self) -> float:
        """The same, as exact as a clock is."""
        return time.time() + self.ahead

    @property
    def ahead(self) -> float:
        """How far this world's clock was moved forward, in seconds."""
        return float(self.fact("ahead", 0.0))

    def move_clock(self, ahead: float) -> None:
        """Put the clock forward to so far ahead of real time."""
        self.settle("ahead", ahead)
        self.store.database.execute("UPDATE timers SET really_due = due - ? WHERE world = ?", [ahead, self.key])

    def seen_by(self, account: str) -> World:
        """The same world as one of its connected accounts sees it; empty for the platform."""
        seen = World(self.store, self.key, account=account, base=self.base)
        seen.request_id, seen.idempotency_key, seen._facts = self.request_id, self.idempotency_key, self._facts
        return seen

    def reset(self) -> None:
        """Forget everything."""
        for table in _OF_A_WORLD:
            self.store.database.execute(f"DELETE FROM {table} WHERE world = ?", [self.key])  # noqa: S608 - our own names
        self._facts.clear()

    # Objects

    def new_id(self, kind: str) -> str:
        """An id that nobody has. Ids have up to 255 characters: https://docs.stripe.com/upgrades."""
        length = 8 + secrets.randbelow(90) if self.contrary else _USUAL_LENGTH
        return f"{PREFIXES[kind]}_{random_text(length)}"

    def make(self, kind: str, **fields: Any) -> Object:
        """A new object of this kind, kept: what may be null is null unless it is given."""
        schema = self.document.of_object(kind)
        made = self.document.blank(_name_of(self.document, schema)) | {"id": self.new_id(kind)}
        for field, value in (("created", self.now), ("livemode", False), ("metadata", {})):
            if field in schema["properties"]:
                made[field] = value
        made |= fields
        self.store.database.execute(
            "INSERT INTO objects (world, account, kind, id, body) VALUES (?, ?, ?, ?, ?)",
            [self.key, self.account, kind, made["id"], json.dumps(made)],
        )
        return made

    def put(self, changed: Object) -> Object:
        """Keep an object as it is now."""
        self.store.database.execute(
            "UPDATE objects SET body = ? WHERE world = ? AND id = ?", [json.dumps(changed), self.key, changed["id"]]
        )
        return changed

    def remove(self, forgotten: Object) -> None:
        """Forget an object."""
        self.store.database.execute("DELETE FROM objects WHERE world = ? AND id = ?", [self.key, forgotten["id"]])

    def find(self, name: str) -> Object | None:
        """The object of this id, of whatever kind."""
        row = self.store.database.execute(
            "SELECT body FROM objects WHERE world = ? AND account = ? AND id = ?", [self.key, self.account, name]
        ).fetchone()
        return self._shown(json.loads(row[0])) if row else None

    def get(self, kind: str, name: str, *, param: str | None = None) -> Object:
        """The object of this kind and id. Raises StripeError; ``param`` is who named it, if not the path."""
        row = self.store.database.execute(
            "SELECT body FROM objects WHERE world = ? AND account = ? AND kind = ? AND id = ?",
            [self.key, self.account, kind, name],
        ).fetchone()
        if row is None:
            raise missing(kind, name, param=param or "id", in_path=param is None)
        return self._shown(json.loads(row[0]))

    def all(self, kind: str, **where: Any) -> list[Object]:
        """All objects of this kind whose fields are so, oldest first."""
        return list(reversed(self._select(kind, where)))

    def page(self, kind: str, asked: dict[str, Any], **where: Any) -> Page:
        """A page as ``limit``, ``starting_after``, ``ending_before`` and ``created`` ask for it.

        https://docs.stripe.com/api/pagination: newest first, ten unless asked, a hundred at most.
        """
        limit = 1 if self.contrary else min(max(asked.get("limit", 10), 1), 100)
        after, before = asked.get("starting_after"), asked.get("ending_before")
        for name in (after, before):
            if name is not None and self.find(name) is None:
                raise missing(kind, name, param="starting_after" if name == after else "ending_before")
        found = self._select(kind, where, asked.get("created"), after, before, limit + 1)
        return Page(found[:limit] if before is None else list(reversed(found[:limit])), len(found) > limit)

    def _select(
        self,
        kind: str,
        where: dict[str, Any],
        created: Any = None,
        after: str | None = None,
        before: str | None = None,
        limit: int = -1,
    ) -> list[Object]:
        clauses = ["world = ?", "account = ?", "kind = ?"]
        values: list[Any] = [self.key, self.account, kind]
        for field, value in where.items():
            several = value if isinstance(value, list) else [value]
            clauses.append(f"json_extract(body, ?) IN ({', '.join('?' * len(several))})")
            values += [f"$.{field}", *several]
        for sign, bound in _bounds(created):
            clauses.append(f"json_extract(body, '$.created') {sign} ?")
            values.append(bound)
        for sign, name in (("<", after), (">", before)):
            if name is not None:
                clauses.append(f"number {sign} (SELECT number FROM objects WHERE id = ?)")  # noqa: S608 - a sign of ours
                values.append(name)
        order = "DESC" if before is None else "ASC"
        rows = self.store.database.execute(
            f"SELECT body FROM objects WHERE {' AND '.join(clauses)} ORDER BY number {order} LIMIT ?",  # noqa: S608 - our own words, values are bound
            [*values, limit],
        )
        return [self._shown(json.loads(body)) for (body,) in rows]

    def _shown(self, kept: Object) -> Object:
        """Money becomes available by the clock alone: https://docs.stripe.com/payouts#payout-schedule."""
        if kept["object"] == "balance_transaction":
            kept["status"] = "available" if kept["available_on"] <= self.now else "pending"
        return kept

    # What time brings

    def later(self, seconds: float, what: str, name: str) -> None:
        """Have something happen to an object in so many seconds of this world's time."""
        self.store.database.execute(
            "INSERT INTO timers (world, account, due, really_due, what, id) VALUES (?, ?, ?, ?, ?, ?)",
            [self.key, self.account, self.now + seconds, self.now + seconds - self.ahead, what, name],
        )

    def next_due(self) -> float | None:
        """When the next thing's time comes."""
        row = self.store.database.execute("SELECT min(due) FROM timers WHERE world = ?", [self.key]).fetchone()
        return None if row[0] is None else float(row[0])

    def due(self) -> tuple[str, str, str] | None:
        """The next thing whose time has come, taken from the list: (account, what, id)."""
        row = self.store.database.execute(
            "SELECT number, account, what, id FROM timers WHERE world = ? AND due <= ? ORDER BY due, number LIMIT 1",
            [self.key, self.exact_now],
        ).fetchone()
        if row is None:
            return None
        self.store.database.execute("DELETE FROM timers WHERE number = ?", [row[0]])
        return row[1], row[2], row[3]


def random_text(length: int) -> str:
    """Letters and digits that nobody guesses."""
    return secrets.token_bytes(length).translate(_LETTERS).decode()


def _name_of(document: Document, schema: dict[str, Any]) -> str:
    kind = schema["properties"]["object"]["enum"][0]
    return kind if document.schemas.get(kind) is schema else next(n for n, s in document.schemas.items() if s is schema)


def _bounds(created: Any) -> Iterator[tuple[str, int]]:
    if isinstance(created, int):
        yield "=", created
    elif isinstance(created, dict):
        for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
            if name in created:
                yield sign, created[name]
