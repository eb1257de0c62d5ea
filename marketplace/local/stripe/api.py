"""One request to the API, from its bytes to its answer: who asks, what, was it asked before, is the answer right?

https://docs.stripe.com/api: authentication, errors, idempotent requests, expanding, versioning.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from marketplace.local.stripe import contrary, faults, objects, operations
from marketplace.local.stripe.checks import Checker
from marketplace.local.stripe.document import Route
from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.forms import decode
from marketplace.local.stripe.rendering import shown
from marketplace.local.stripe.state import Store, World, random_text

_KEY = re.compile(r"(sk|rk)_test_[\w-]+")
#: How long an answer is kept for a repeated request: https://docs.stripe.com/api/idempotent_requests.
_KEPT_SECONDS = 86_400
_LONGEST_KEY = 255


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: str
    body: str
    base: str


@dataclass(frozen=True)
class Answer:
    """What goes back. ``drops``: the connection breaks in its place."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    drops: bool = False
    wait: float = 0.0
    holds: tuple[str, str] | None = None


class Api:
    """Answers requests, one after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.checker = Checker(store.document)
        #: Keys of requests that are under way, which only a slow one can be seen to be.
        self.under_way: set[tuple[str, str]] = set()

    def answer(self, request: Request) -> Answer:
        """The whole answer to one request."""
        request_id = f"req_{random_text(14)}"
        headers = {"Request-Id": request_id, "Stripe-Version": self.store.document.version}
        try:
            world = self._world(request, request_id)
            answer = self._answer(request, world)
        except StripeError as error:
            answer = self._refused(error)
        except Exception:  # noqa: BLE001 - whatever it is, it is written down and fails the tests
            answer = self._broken(request)
        return replace(answer, headers=headers | answer.headers)

    def _broken(self, request: Request) -> Answer:
        """We failed, and not because we were told to: the tests must hear of it."""
        said = traceback.format_exc()
        self.store.note_violation("", f"{request.method} {request.path}", said)
        return self._refused(StripeError("The stand-in failed; its audit says how.", status=500, kind="api_error"))

    def _refused(self, error: StripeError, world: World | None = None) -> Answer:
        """A refusal, which has a schema too."""
        body = error.body()
        for fault in self.checker.faults(self.store.document.schema("error"), body, "refusal"):
            self.store.note_violation(world.key if world else "", f"{error.status}: {error.message}", fault)
        if world is not None and world.contrary:
            body = contrary.adorned(body)
        headers = {"Stripe-Should-Retry": "true"} if error.status == HTTPStatus.CONFLICT else {}
        return Answer(error.status, body, headers)

    def _world(self, request: Request, request_id: str) -> World:
        key = api_key(request.headers)
        world = self.store.world(key, base=request.base)
        world.request_id = request_id
        world.idempotency_key = request.headers.get("idempotency-key")
        return world

    def _answer(self, request: Request, world: World) -> Answer:
        route = self.store.document.route(request.method, request.path)
        if route is None:
            raise StripeError(
                f"Unrecognized request URL ({request.method}: {request.path}). Please see "
                "https://stripe.com/docs or we can help at https://support.stripe.com/.",
                status=404,
            )
        self._check_version(request, world)
        fault = faults.next_for(world, route.operation.name)
        if fault and not fault.after_effect:
            return Answer(500, {}, drops=True) if fault.drops else self._refused(faults.refusal(fault))
        answer = self._once(request, world, route)
        if fault and fault.kind == "slow":
            return self._slowly(answer, world, fault.seconds)
        if fault and fault.drops:
            return Answer(500, {}, drops=True)
        return self._refused(faults.refusal(fault)) if fault else answer

    def _slowly(self, answer: Answer, world: World, seconds: float) -> Answer:
        """An answer that takes its time; meanwhile its key is in use, until whoever sends it calls ``release``."""
        key = world.idempotency_key
        holds = (world.key, key) if key else None
        if holds:
            self.under_way.add(holds)
        return replace(answer, wait=seconds, holds=holds)

    def release(self, answer: Answer) -> None:
        """The answer was sent."""
        if answer.holds:
            self.under_way.discard(answer.holds)

    def _check_version(self, request: Request, world: World) -> None:
        """The stand-in speaks one version; a program that pins another would be shown other shapes by Stripe."""
        asked, spoken = request.headers.get("stripe-version"), self.store.document.version
        if asked is not None and asked != spoken:
            with self.store.transaction():
                self.store.note_violation(
                    world.key,
                    f"{request.method} {request.path}",
                    f"asks for version {asked}, but the description at hand is of {spoken}: pin that one",
                )

    def _once(self, request: Request, world: World, route: Route) -> Answer:
        """Have it done unless it was done before: https://docs.stripe.com/api/idempotent_requests."""
        key = world.idempotency_key if request.method == "POST" else None
        if key is None:
            return self._attempt(request, world, route)
        if len(key) > _LONGEST_KEY:
            raise StripeError(f"Idempotency keys have at most {_LONGEST_KEY} characters.", kind="idempotency_error")
        if (world.key, key) in self.under_way:
            raise in_use(key)
        account = request.headers.get("stripe-account", "")
        known_as = f"{account}:{key}"
        asked = _fingerprint(request)
        kept = self.store.database.execute(
            "SELECT asked, at, request, status, body FROM answers WHERE world = ? AND key = ?", [world.key, known_as]
        ).fetchone()
        if kept and kept[1] + _KEPT_SECONDS > world.now:
            if kept[0] != asked:
                raise StripeError(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            replayed = {"Idempotent-Replayed": "true", "Idempotency-Key": key, "Original-Request": kept[2]}
            return Answer(kept[3], json.loads(kept[4]), replayed)
        return self._attempt(request, world, route, kept_as=(known_as, asked))

    def _attempt(self, request: Request, world: World, route: Route, kept_as: tuple[str, str] | None = None) -> Answer:
        """Have it done, whole or not at all, and keep the answer with it."""
        asked = self._asked(request, route)
        failure: StripeError | None = None
        answer = Answer(500, {})
        try:
            with self.store.transaction():
                operations.pass_time(world)
                world = self._seen_by(request, world)
                try:
                    answer = self._done(request, world, route, asked)
                except StripeError as error:
                    if not error.keep:
                        raise
                    answer = self._refused(error, world)
                self._keep(world, answer, kept_as)
        except StripeError as error:
            failure = error
        if failure:
            answer = self._refused(failure, world)
            with self.store.transaction():
                operations.pass_time(world)
                self._keep(world, answer, kept_as)
        if kept_as and world.idempotency_key:
            answer.headers["Idempotency-Key"] = world.idempotency_key
        return answer

    def _asked(self, request: Request, route: Route) -> dict[str, Any]:
        text = request.body if request.method == "POST" else request.query
        return decode(self.store.document, route.operation.takes, text)

    def _seen_by(self, request: Request, world: World) -> World:
        """Requests made for a connected account: https://docs.stripe.com/connect/authentication."""
        account = request.headers.get("stripe-account")
        if not account:
            return world
        if world.find(account) is None:
            raise objects.accounts.no_access(world, account)
        return world.seen_by(account)

    def _done(self, request: Request, world: World, route: Route, asked: dict[str, Any]) -> Answer:
        expand = asked.get("expand") or []
        call = operations.Call(world, asked, route.arguments)
        made = operations.answer(route.operation.name, call)
        body = shown(world, made, request.path, expand)
        for fault in self.checker.faults(route.operation.answers, body, "answer"):
            self.store.note_violation(world.key, f"{request.method} {request.path}", fault)
        return Answer(200, contrary.adorned(body) if world.contrary else body)

    def _keep(self, world: World, answer: Answer, kept_as: tuple[str, str] | None) -> None:
        if kept_as is None:
            return
        self.store.database.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                *(world.key, kept_as[0], kept_as[1], world.now, world.request_id),
                *(answer.status, json.dumps(answer.body)),
            ],
        )


def api_key(headers: Mapping[str, str]) -> str:
    """Whose world it is. Raises StripeError. https://docs.stripe.com/api/authentication."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    key = rest.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode().partition(":")[0]
        except ValueError:
            key = ""
    if not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details.",
            status=401,
        )
    if not _KEY.fullmatch(key):
        raise StripeError(f"Invalid API Key provided: {key[:8]}***", status=401)
    return key


def _fingerprint(request: Request) -> str:
    asked = f"{request.method} {request.path}\n{'&'.join(sorted(request.body.split('&')))}"
    return hashlib.sha256(asked.encode()).hexdigest()


def in_use(key: str) -> StripeError:
    """Another request with this key is under way: https://docs.stripe.com/error-codes#idempotency-key-in-use."""
    return StripeError(
        f"There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again in a while.",
        status=409,
        kind="idempotency_error",
        code="idempotency_key_in_use",
    )
