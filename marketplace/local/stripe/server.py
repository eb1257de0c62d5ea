"""The server: Stripe's API, the pages people see, and the control address, from one process.

Requests are worked on one after the other, so nothing here has locks; waiting (slow answers, webhooks) blocks nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from marketplace.local.stripe import control, document, operations, pages
from marketplace.local.stripe.api import Answer, Api, Request, api_key
from marketplace.local.stripe.cards import by_number
from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.objects import accounts, checkout, payment_intents, setup_intents
from marketplace.local.stripe.state import Object, Store, World, random_text
from marketplace.local.stripe.webhooks import Courier

MERCHANT = "Lookalike"
_SEE_OTHER = 303


class Server:
    """What answers requests."""

    def __init__(self, home: Path) -> None:
        described = document.load(home)
        contrary = os.environ.get("STRIPE_STANDIN_CONTRARY") == "1"
        self.store = Store(home / "stripe.sqlite3", described, contrary=contrary)
        self.api = Api(self.store)
        self.courier = Courier(self.store)

    @contextlib.asynccontextmanager
    async def running(self, application: Starlette) -> AsyncIterator[None]:
        """Carry webhooks for as long as the server runs."""
        task = asyncio.create_task(self.courier.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def ask_api(self, http: HttpRequest) -> Response:
        """``/v1/…``."""
        body = (await http.body()).decode(errors="replace")
        request = Request(http.method, http.url.path, http.headers, http.url.query, body, _base(http))
        answer = self.api.answer(request)
        self.courier.wake.set()
        try:
            await asyncio.sleep(answer.wait)
        finally:
            self.api.release(answer)
        return _BrokenConnection(status_code=500) if answer.drops else _json(answer)

    async def ask_control(self, http: HttpRequest) -> Response:
        """``/_control/…``."""
        name = http.path_params["verb"]
        if name == "health":
            return JSONResponse({"version": self.store.document.version})
        if name == "audit" and "authorization" not in http.headers:
            return JSONResponse({"violations": self.store.violations()})
        try:
            world = self.store.world(api_key(http.headers), base=_base(http))
            said = control.obey(self.store, world, name, await _wish(http))
        except StripeError as error:
            return JSONResponse(error.body(), error.status)
        self.courier.wake.set()
        return JSONResponse(said)

    async def show_checkout(self, http: HttpRequest) -> Response:
        """The page on which a session is paid."""
        world, session = self._found(http, "session")
        with self.store.transaction():
            operations.pass_time(world)
            session = world.get("checkout.session", session["id"])
            if session["status"] != "open":
                return _closed(session)
            return HTMLResponse(_checkout_page(world, checkout.with_tax(world, session), None, {}))

    async def pay(self, http: HttpRequest) -> Response:
        """The person pressed the button."""
        world, session = self._found(http, "session")
        given = await _form(http)
        with self.store.transaction():
            operations.pass_time(world)
            session = world.get("checkout.session", session["id"])
            if session["status"] != "open":
                return _closed(session)
            payer = _payer(given)
            if isinstance(payer, str):
                return HTMLResponse(_checkout_page(world, checkout.with_tax(world, session), payer, given), 422)
            try:
                intent = checkout.pay(world, session, payer)
            except StripeError as error:
                session = world.get("checkout.session", session["id"])
                return HTMLResponse(_checkout_page(world, session, error.message, given), 422)
        self.courier.wake.set()
        if intent["status"] == "requires_action":
            return RedirectResponse(f"/authenticate/{intent['id']}", _SEE_OTHER)
        return RedirectResponse(checkout.return_address(session), _SEE_OTHER)

    async def show_authentication(self, http: HttpRequest) -> Response:
        """The bank's question."""
        _, intent = self._found(http, "intent")
        if intent["status"] != "requires_action":
            return HTMLResponse(pages.message("Nothing to confirm", "Your bank asks nothing of you."), 410)
        return HTMLResponse(pages.authenticate(intent, MERCHANT))

    async def authenticate(self, http: HttpRequest) -> Response:
        """The person's answer to it."""
        world, intent = self._found(http, "intent")
        if intent["status"] != "requires_action":
            return HTMLResponse(pages.message("Nothing to confirm", "Your bank asks nothing of you."), 410)
        confirmed = (await _form(http)).get("answer") == "yes"
        module = setup_intents if intent["object"] == "setup_intent" else payment_intents
        problem = None
        with self.store.transaction():
            operations.pass_time(world)
            session = checkout.session_of(world, intent)
            try:
                intent = module.authenticated(world, intent, confirmed=confirmed)
            except StripeError as error:
                problem = error.message
            if not confirmed:
                problem = "We are unable to authenticate your payment method. Please choose a different one."
            if session and not problem:
                checkout.complete(world, session)
        self.courier.wake.set()
        if session is None:
            return RedirectResponse(_with_result(intent), _SEE_OTHER)
        if problem:
            session = world.get("checkout.session", session["id"])
            return HTMLResponse(_checkout_page(world, session, problem, {}), 422)
        return RedirectResponse(checkout.return_address(session), _SEE_OTHER)

    async def show_onboarding(self, http: HttpRequest) -> Response:
        """A link to onboarding: it opens once, and for some minutes."""
        world, account = self._found(http, "account")
        link = _link(account, http.path_params["token"])
        if link is None:
            return HTMLResponse(pages.message("Unknown link", "Ask for a new one."), 404)
        if link["opened"] or link["expires_at"] < world.now:
            return RedirectResponse(link["refresh_url"], _SEE_OTHER)
        link |= {"opened": True, "form": random_text(20)}
        with self.store.transaction():
            world.put(account)
        return HTMLResponse(pages.onboarding(account, link["form"]))

    async def onboard(self, http: HttpRequest) -> Response:
        """The seller completed it, or left."""
        world, account = self._found(http, "account")
        link = _link(account, http.path_params["token"], field="form")
        if link is None:
            return HTMLResponse(pages.message("Unknown form", "Ask for a new link."), 404)
        if (await _form(http)).get("answer") == "complete":
            with self.store.transaction():
                accounts.complete(world, account)
            self.courier.wake.set()
        return RedirectResponse(link["return_url"], _SEE_OTHER)

    async def show_paper(self, http: HttpRequest) -> Response:
        """A receipt or an invoice."""
        _, found = self._found(http, "paper")
        return HTMLResponse(pages.invoice(found) if found["object"] == "invoice" else pages.receipt(found))

    async def show_dashboard(self, http: HttpRequest) -> Response:
        """The Express Dashboard, of which there is only the door."""
        return HTMLResponse(pages.message("Express Dashboard", "Here a seller would see payouts."))

    def _found(self, http: HttpRequest, variable: str) -> tuple[World, Object]:
        name = http.path_params[variable]
        world = self.store.owner(name, _base(http))
        found = world.find(name) if world else None
        if world is None or found is None:
            raise _NotThere
        return world, found


class _NotThere(Exception):
    """There is no such thing."""


class _BrokenConnection(Response):
    """No answer: the connection breaks instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host, port = scope["client"]
        _break_connection_from((host, int(port)))
        await super().__call__(scope, receive, send)


def _break_connection_from(peer: tuple[str, int]) -> None:
    """Shut the socket of this peer: no interface of a web server does that, so it is looked for among our files."""
    for file in list(Path("/dev/fd").iterdir()):
        with contextlib.suppress(OSError):
            # Asked first: a copy of what is no socket would be left open.
            if not stat.S_ISSOCK(os.fstat(int(file.name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(file.name))) as connection:
                if connection.getpeername()[:2] == peer:
                    connection.shutdown(socket.SHUT_RDWR)


def application(home: Path) -> Starlette:
    """The whole server, with its state under ``home``."""
    server = Server(home)
    return Starlette(
        routes=[
            Route("/_control/{verb}", server.ask_control, methods=["GET", "POST"]),
            Route("/c/pay/{session}", server.show_checkout, methods=["GET"]),
            Route("/c/pay/{session}", server.pay, methods=["POST"]),
            Route("/authenticate/{intent}", server.show_authentication, methods=["GET"]),
            Route("/authenticate/{intent}", server.authenticate, methods=["POST"]),
            Route("/onboarding/{account}/{token}", server.show_onboarding, methods=["GET"]),
            Route("/onboarding/{account}/{token}", server.onboard, methods=["POST"]),
            Route("/receipts/{paper}", server.show_paper, methods=["GET"]),
            Route("/invoices/{paper}", server.show_paper, methods=["GET"]),
            Route("/invoices/{paper}/pdf", server.show_paper, methods=["GET"]),
            Route("/express/{account}", server.show_dashboard, methods=["GET"]),
            Route("/{path:path}", server.ask_api, methods=["GET", "POST", "DELETE"]),
        ],
        exception_handlers={_NotThere: _not_there},
        lifespan=server.running,
    )


def from_environment() -> Starlette:
    """The server as its starter describes it: ``STRIPE_STANDIN_HOME`` is where its state is."""
    return application(Path(os.environ["STRIPE_STANDIN_HOME"]))


async def _not_there(http: HttpRequest, error: Exception) -> Response:
    return HTMLResponse(pages.message("Not found", "There is nothing here, or no longer."), 404)


def _json(answer: Answer) -> Response:
    return Response(json.dumps(answer.body, indent=2), answer.status, answer.headers, media_type="application/json")


def _base(http: HttpRequest) -> str:
    return f"{http.url.scheme}://{http.url.netloc}"


async def _form(http: HttpRequest) -> dict[str, str]:
    return dict(parse_qsl((await http.body()).decode(errors="replace"), keep_blank_values=True))


async def _wish(http: HttpRequest) -> dict[str, Any]:
    body = await http.body()
    try:
        wish = json.loads(body or b"{}")
    except ValueError:
        wish = None
    if not isinstance(wish, dict):
        raise StripeError("A control takes a JSON object.")
    return wish


def _checkout_page(world: World, session: Object, problem: str | None, given: dict[str, str]) -> str:
    if session["customer"]:
        known = world.get("customer", session["customer"])
        given = {name: known[name] for name in ("email", "name") if known[name]} | given
    return pages.checkout(session, world.all("item", _session=session["id"]), problem, given)


def _closed(session: Object) -> Response:
    """A page that was paid leads on, for whoever presses the back button."""
    if session["status"] == "complete":
        onward = (checkout.return_address(session), "Go on")
        return HTMLResponse(pages.message("You are done", "This page was completed already.", onward))
    back = (session["cancel_url"], "Go back") if session["cancel_url"] else None
    return HTMLResponse(pages.message("This page has expired", "Start again to pay.", back), 410)


def _payer(given: dict[str, str]) -> checkout.Payer | str:
    """Who pays, or what is wrong with what they wrote."""
    card = by_number(given.get("number", ""))
    if card is None:
        return "Your card number is invalid: this test processor knows the test cards below and no others."
    month, _, year = given.get("expiry", "12/34").replace(" ", "").partition("/")
    if not (month.isdecimal() and year.isdecimal() and 1 <= int(month) <= 12):
        return "Your card's expiration date is invalid: write it as month/year."
    if "@" not in given.get("email", ""):
        return "Your e-mail address is incomplete."
    expiry = (int(month), int(year) % 100 + 2000)
    if (expiry[1], expiry[0]) < (today := datetime.now(UTC)).timetuple()[:2]:
        return f"Your card's expiration date is in the past: it is {today:%m/%y}."
    return checkout.Payer(
        card, given["email"], given.get("name") or None, country=given.get("country") or "NL", expiry=expiry
    )


def _link(account: Object, token: str, field: str = "token") -> Object | None:
    return next((link for link in account.get("_links", []) if link.get(field) == token), None)


def _with_result(intent: Object) -> str:
    """https://docs.stripe.com/payments/3d-secure/authentication-flow: the return address tells which intent it is."""
    kind = intent["object"]
    joint = "&" if "?" in intent["_return_url"] else "?"
    secret = f"{kind}_client_secret={intent['client_secret']}"
    return f"{intent['_return_url']}{joint}{kind}={intent['id']}&{secret}&redirect_status={_result(intent)}"


def _result(intent: Object) -> str:
    return "failed" if intent["status"] == "requires_payment_method" else "succeeded"
