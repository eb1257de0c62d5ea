"""Events on their way to whoever listens: signed as Stripe signs, and tried again until they are taken.

https://docs.stripe.com/webhooks: signatures, retries, and why an event may come twice, late, and before an earlier one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from marketplace.local.stripe import contrary, operations
from marketplace.local.stripe.objects.events import NEVER
from marketplace.local.stripe.rendering import public
from marketplace.local.stripe.state import Store, World

_LOG = logging.getLogger(__name__)
#: Stripe tries for three days, with growing pauses; here the first pauses are short.
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_ATTEMPTS = 60
_AT_ONCE = 8
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Parcel:
    """One event for one endpoint."""

    number: int
    world: str
    url: str
    secret: str
    body: str

    @property
    def signature(self) -> str:
        """The header ``Stripe-Signature``, as of now."""
        return sign(self.body, self.secret)


def sign(body: str, secret: str, at: int | None = None) -> str:
    """https://docs.stripe.com/webhooks#verify-manually."""
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Courier:
    """Carries events, some at a time, for as long as the server runs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webhook")
        self._carried: set[int] = set()
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Carry what is due, and let time pass in all worlds. Ends when it is cancelled."""
        while True:
            self.wake.clear()
            try:
                self._pass_time()
            except Exception:  # noqa: BLE001 - one world that fails must not end the deliveries of all
                _LOG.exception("What time brought about failed.")
            for parcel in due(self._store, _AT_ONCE - len(self._carried), self._carried):
                self._carried.add(parcel.number)
                asyncio.get_running_loop().create_task(self._carry(parcel))
            try:
                await asyncio.wait_for(self.wake.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue

    def _pass_time(self) -> None:
        for key in self._store.waiting():
            world = self._store.world(key)
            with self._store.transaction():
                operations.pass_time(world)

    async def _carry(self, parcel: Parcel) -> None:
        taken = await asyncio.get_running_loop().run_in_executor(self._threads, _post, parcel)
        self._carried.discard(parcel.number)
        settle(self._store, parcel, taken=taken)
        self.wake.set()


def due(store: Store, limit: int, besides: set[int]) -> list[Parcel]:
    """What is to be carried now, oldest first; where events come in reverse, the newest first."""
    rows = store.database.execute(
        "SELECT number, world, event, endpoint FROM deliveries WHERE due <= ? ORDER BY number LIMIT 500", [time.time()]
    ).fetchall()
    found = _parcels(store, [row for row in rows if row[0] not in besides])
    return found[: max(limit, 0)]


def hold(store: Store, world: World) -> None:
    """Deliver nothing that waits in one world, until it is let go."""
    store.database.execute("UPDATE deliveries SET due = ? WHERE world = ?", [NEVER, world.key])


def let_go(store: Store, world: World) -> None:
    """Deliver at once all that waits in one world."""
    store.database.execute("UPDATE deliveries SET due = 0 WHERE world = ?", [world.key])


def held(store: Store, world: World) -> list[Parcel]:
    """All that waits in one world, whether it is due, or paused, or not."""
    rows = store.database.execute(
        "SELECT number, world, event, endpoint FROM deliveries WHERE world = ? ORDER BY number", [world.key]
    ).fetchall()
    return _parcels(store, rows)


def _parcels(store: Store, rows: list[tuple[int, str, str, str]]) -> list[Parcel]:
    worlds = {key: store.world(key) for _, key, _, _ in rows}
    found = [_parcel(store, number, worlds[key], event, endpoint) for number, key, event, endpoint in rows]
    parcels = [parcel for parcel in found if parcel]
    backwards = any(world.contrary or world.fact("reverse", False) for world in worlds.values())
    return list(reversed(parcels)) if backwards else parcels


def settle(store: Store, parcel: Parcel, *, taken: bool) -> None:
    """Write down that a parcel was taken, or when it is tried again."""
    with store.transaction():
        row = store.database.execute("SELECT attempts FROM deliveries WHERE number = ?", [parcel.number]).fetchone()
        if row is None:
            return
        attempts = row[0] + 1
        if taken or attempts >= _ATTEMPTS:
            store.database.execute("DELETE FROM deliveries WHERE number = ?", [parcel.number])
            return
        pause = _PAUSES[min(attempts, len(_PAUSES)) - 1]
        store.database.execute(
            "UPDATE deliveries SET attempts = ?, due = max(due, ?) WHERE number = ?",
            [attempts, time.time() + pause, parcel.number],
        )


def _parcel(store: Store, number: int, world: World, event: str, endpoint: str) -> Parcel | None:
    """What is posted: Stripe sends the event's JSON indented, and signs the bytes as they are."""
    body, listener = _object(store, world, event), _object(store, world, endpoint)
    if body is None or listener is None or listener["status"] != "enabled":
        store.database.execute("DELETE FROM deliveries WHERE number = ?", [number])
        return None
    told: Any = public(body)
    if world.contrary:
        told = contrary.adorned(told)
    return Parcel(number, world.key, listener["url"], listener["_secret"], json.dumps(told, indent=2))


def _object(store: Store, world: World, name: str) -> dict[str, Any] | None:
    owner = store.owner(name)
    return owner.find(name) if owner is not None and owner.key == world.key else None


def _post(parcel: Parcel) -> bool:
    """Anything but 2xx means no: https://docs.stripe.com/webhooks#acknowledge-events-immediately."""
    address = urlsplit(parcel.url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=_PATIENCE_SECONDS)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": parcel.signature,
        "User-Agent": "Stripe/1.0 (stand-in)",
    }
    path = address.path + (f"?{address.query}" if address.query else "")
    try:
        connection.request("POST", path or "/", body=parcel.body.encode(), headers=headers)
        response = connection.getresponse()
        response.read()
        return 200 <= response.status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
