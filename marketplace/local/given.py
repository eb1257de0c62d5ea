"""Parts that the environment names instead of the stack's own: is what is needed to reach them all there?"""

from __future__ import annotations

import http
import http.client
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from marketplace.local.processes import StackError, accepts

_SCHEMES = {
    "DATABASE_URL": ("postgresql", "postgres"),
    "REDIS_URL": ("redis", "rediss"),
    "S3_ENDPOINT_URL": ("http", "https"),
    "STRIPE_API_BASE": ("https", "http"),
}
_STRIPE = "https://api.stripe.com"
_OWN = "or unset it, and the stack brings its own"


def check(environment: Mapping[str, str]) -> None:
    """Raise StackError with a sentence for each variable that is wrong, half of a pair, or leads nowhere."""
    faults = [*_site(environment)]
    for variable, reach in (("DATABASE_URL", _database), ("REDIS_URL", _redis), ("S3_ENDPOINT_URL", _object_store)):
        if address := environment.get(variable):
            faults += _shape(variable, address) or reach(address, environment)
    faults += _stripe(environment)
    if faults:
        raise StackError("\n".join(faults))


def _shape(variable: str, address: str) -> list[str]:
    schemes = _SCHEMES[variable]
    try:
        parts = urlsplit(address)
        complete = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    return [] if complete else [f"{variable} must be like {schemes[0]}://host:port, not {address!r}; {_OWN}."]


def _database(address: str, environment: Mapping[str, str]) -> list[str]:
    import psycopg

    try:
        with psycopg.connect(address, connect_timeout=5):
            return []
    except psycopg.Error as error:
        return [f"DATABASE_URL leads to no database: {_one_line(error)}. Mend it, {_OWN}."]


def _redis(address: str, environment: Mapping[str, str]) -> list[str]:
    import redis

    try:
        with redis.Redis.from_url(address, socket_connect_timeout=5) as client:
            client.ping()
            return []
    except (redis.RedisError, ValueError) as error:
        return [f"REDIS_URL leads to no Redis: {_one_line(error)}. Mend it, {_OWN}."]


def _object_store(address: str, environment: Mapping[str, str]) -> list[str]:
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if missing := [key for key in keys if not environment.get(key)]:
        return [f"S3_ENDPOINT_URL is set, but {' and '.join(missing)} not: set the keys to that store, {_OWN}."]
    try:
        _ask(urlsplit(address))
    except (OSError, http.client.HTTPException) as error:
        return [f"S3_ENDPOINT_URL leads to no object store: {address}: {_one_line(error)}. Mend it, {_OWN}."]
    return []


def _ask(address: SplitResult, path: str = "/", headers: Mapping[str, str] | None = None) -> int:
    """Have any answer of the server, and return its status: whether S3's keys are good is seen later, at the bucket."""
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse().status
    finally:
        connection.close()


def _stripe(environment: Mapping[str, str]) -> Iterator[str]:
    """The key is nothing without a secret to know events by; a base address without a key leads to our own Stripe."""
    key, base = environment.get("STRIPE_API_KEY"), environment.get("STRIPE_API_BASE", _STRIPE)
    if not key:
        if "STRIPE_API_BASE" in environment:
            yield f"STRIPE_API_BASE is set, but STRIPE_API_KEY not: set the key to that server, {_OWN}."
        return
    if not key.startswith(("sk_", "rk_")):
        yield f"STRIPE_API_KEY must be a secret key, like sk_test_…, and this one begins otherwise; {_OWN}."
    elif not environment.get("STRIPE_WEBHOOK_SECRET"):
        yield f"STRIPE_API_KEY is set, but STRIPE_WEBHOOK_SECRET not: set the secret of your webhook endpoint, {_OWN}."
    elif faults := _shape("STRIPE_API_BASE", base):
        yield from faults
    else:
        try:
            status = _ask(urlsplit(base), "/v1/balance", {"Authorization": f"Bearer {key}"})
        except (OSError, http.client.HTTPException) as error:
            yield f"STRIPE_API_BASE leads to no Stripe: {base}: {_one_line(error)}. Mend it, {_OWN}."
        else:
            if status == http.HTTPStatus.UNAUTHORIZED:
                yield f"STRIPE_API_KEY is refused by {base}. Mend it, {_OWN}."


def _site(environment: Mapping[str, str]) -> Iterator[str]:
    port = environment.get("LOOKALIKE_SITE_PORT")
    if port is None:
        return
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        yield f"LOOKALIKE_SITE_PORT must be a number from 1 to 65535, not {port!r}; or unset it for a free port."
    elif accepts(int(port)):
        yield f"LOOKALIKE_SITE_PORT is {port}, but somebody answers there already. Name another, or unset it."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
