"""How Stripe is called: one client a key, one place where its errors become ours, objects as plain dictionaries."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import stripe
from django.conf import settings

#: The version of Stripe's API that this code was written against; the account's own may differ.
API_VERSION: Final = "2026-05-27.dahlia"
_RETRIES: Final = 2
_TIMEOUT_SECONDS: Final = 20
_PAGE: Final = 100

Seen = Mapping[str, Any]


class Refused(Exception):
    """Stripe took the call and says no: the message is for the person, ``code`` is Stripe's.

    ``intent`` is the PaymentIntent that a refused charge left behind, if it did.
    """

    def __init__(self, message: str, code: str = "", intent: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.intent = intent


class Unavailable(Exception):
    """No answer, or none that says what became of the call: it is made again later, under the same key."""


def stripe_client() -> stripe.StripeClient:
    """The client for the deployment's key. It repeats a call twice by itself, under the same idempotency key."""
    return _client(settings.STRIPE_API_KEY, settings.STRIPE_API_BASE)


def call(method: Callable[..., Any], *arguments: Any, key: str = "") -> Seen:
    """Call ``method`` of the client and return the object that it answers with.

    ``key`` is the idempotency key: everything that creates or moves something has one, made from a row of ours that is
    committed. Raises Refused or Unavailable.
    """
    options = {"idempotency_key": key} if key else {}
    try:
        return plain(method(*arguments, options=options))
    except stripe.CardError as error:
        raise Refused(error.user_message or str(error), _code_of(error), _intent_of(error)) from error
    except stripe.IdempotencyError as error:
        raise Refused(f"another call used this key: {error}", "idempotency_error") from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise Unavailable(str(error)) from error
    except stripe.StripeError as error:
        if _code_of(error) in {"lock_timeout", "idempotency_key_in_use"}:
            raise Unavailable(str(error)) from error
        raise Refused(error.user_message or str(error), _code_of(error)) from error


def pages(method: Callable[..., Any], parameters: Mapping[str, Any]) -> Iterator[Seen]:
    """Each object of a list, however Stripe cuts it into pages. Raises Refused or Unavailable."""
    after: dict[str, str] = {}
    while True:
        page = call(method, {"limit": _PAGE, **parameters, **after})
        yield from page["data"]
        if not page.get("has_more") or not page["data"]:
            return
        after = {"starting_after": page["data"][-1]["id"]}


def plain(answer: Any) -> Seen:
    """An object of the client as dictionaries and lists."""
    found: Seen = answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer
    return found


def whole(found: Any, fetch: Callable[..., Any]) -> Seen | None:
    """A field that Stripe gives as an object or as its id: the object, fetched if need be; ``None`` for neither."""
    if not found:
        return None
    if isinstance(found, str):
        return call(fetch, found)
    inside: Seen = found
    return inside


def identifier(found: Any) -> str:
    """The id in a field that Stripe gives as an object or as its id; empty for neither."""
    if not found:
        return ""
    return found if isinstance(found, str) else str(found["id"])


def moment(seconds: int | None) -> datetime | None:
    """A time of Stripe's, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@functools.cache
def _client(key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else {},
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
    )


def _intent_of(error: stripe.CardError) -> str:
    return identifier(_told(error).get("payment_intent"))


def _code_of(error: stripe.StripeError) -> str:
    # The client leaves the code out of some of its exceptions, that of a 403 among them.
    return str(error.code or _told(error).get("code") or "")


def _told(error: stripe.StripeError) -> Seen:
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    found: Seen = body.get("error") or {}
    return found
