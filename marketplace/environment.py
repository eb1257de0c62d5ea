"""What the environment must hold before settings are read: all faults at once, each with its remedy, no value shown.

On one machine (``LOOKALIKE_LOCAL``) the stack makes the environment itself. Anywhere else a secret that is missing,
short or known from an example stops every process at its start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

#: Needed everywhere, with an example.
NEEDED: Mapping[str, str] = {
    "SECRET_KEY": "a-long-random-text",
    "PUBLIC_URL": "https://market.example",
    "DATABASE_URL": "postgresql://user:password@localhost/lookalike",
    "REDIS_URL": "redis://:password@localhost:6379/0",
}
#: Needed also outside the one-machine stack.
NEEDED_IN_PRODUCTION: Mapping[str, str] = {
    "LOOKALIKE_KEYS_SECRET": "another-long-random-text",
    "LOOKALIKE_VAR": "/var/lib/lookalike",
    "EMAIL_HOST": "mail.example",
}
#: Needed outside the one-machine stack where anything is sold. A blank webhook secret would let anybody say "paid"; an
#: invoice that does not say who sells is none.
NEEDED_TO_SELL: Mapping[str, str] = {
    "STRIPE_API_KEY": "sk_live_from_the_dashboard",
    "STRIPE_WEBHOOK_SECRET": "whsec_from_the_dashboard",
    "INVOICE_ISSUER_NAME": "'The Company Ltd'",
    "INVOICE_ISSUER_ADDRESS": "'1 Main Street | 1000 Town'",
    "INVOICE_ISSUER_COUNTRY": "IE",
}
#: Needed with ``S3_ENDPOINT_URL``; on Amazon's own S3 a role of the machine may stand for them.
NEEDED_WITH_ENDPOINT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "the-key-id",
    "AWS_SECRET_ACCESS_KEY": "the-secret-key",
}

_HOW = 'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
_TELLTALE = ("change-me", "changeme", "change_me", "random-text", "insecure", "example", "secret-key", "your-")
_DEMO = {"password", "postgres", "lookalike", "secret", "admin", "demo", "test", "none", "redis", "valkey", "user"}
_KEY_LENGTH = 50
_PASSWORD_LENGTH = 12
_DIFFERENT = 5


def is_set(environment: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Is the flag ``name`` on?"""
    return (environment.get(name) or str(default)).lower() in {"1", "true", "yes"}


def faults(environment: Mapping[str, str], code: Path) -> list[str]:
    """Return all that keeps the product from starting; ``code`` is the folder that its code lies in."""
    local = is_set(environment, "LOOKALIKE_LOCAL")
    needed = dict(NEEDED)
    if not local:
        needed |= NEEDED_IN_PRODUCTION
        needed |= NEEDED_WITH_ENDPOINT if environment.get("S3_ENDPOINT_URL") else {}
        needed |= {} if "billing" in environment.get("LOOKALIKE_WITHOUT", "").split(",") else NEEDED_TO_SELL
    missing = {name for name in needed if not environment.get(name)}
    found = [
        f"{name} is not set. Set it (for example {name}={needed[name]}), or start with `make run`."
        for name in needed
        if name in missing
    ]
    database = environment.get("DATABASE_URL", "")
    if database and urlsplit(database).scheme not in {"postgres", "postgresql"}:
        scheme = urlsplit(database).scheme
        found.append(f"DATABASE_URL must begin with postgresql://, not {scheme}://. PostgreSQL 18 is the only engine.")
    if not local:
        found += _unsafe({name: value for name, value in environment.items() if value}, code)
    return found


def _unsafe(environment: Mapping[str, str], code: Path) -> Iterator[str]:
    """What would start, and must not outside the one-machine stack."""
    for name in ("SECRET_KEY", "LOOKALIKE_KEYS_SECRET"):
        if name in environment and _guessable(environment[name], _KEY_LENGTH):
            yield f"{name} is short or an example: it needs {_KEY_LENGTH} random characters. {_HOW}"
    if environment.get("LOOKALIKE_KEYS_SECRET") == environment.get("SECRET_KEY", ""):
        yield f"LOOKALIKE_KEYS_SECRET must not be SECRET_KEY: that one may be changed, signing keys stay sealed. {_HOW}"
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name in environment:
            yield from _unsafe_password(name, urlsplit(environment[name]))
    if "AWS_SECRET_ACCESS_KEY" in environment and _guessable(environment["AWS_SECRET_ACCESS_KEY"], _PASSWORD_LENGTH):
        yield f"AWS_SECRET_ACCESS_KEY is short or an example. {_HOW}"
    if not all(environment.get("STRIPE_WEBHOOK_SECRET", "none").split(",")):
        yield "STRIPE_WEBHOOK_SECRET holds a blank secret: name each, with a comma between, and none after the last."
    if "STRIPE_API_BASE" in environment and urlsplit(environment["STRIPE_API_BASE"]).scheme != "https":
        yield "STRIPE_API_BASE must begin with https://, or be unset for Stripe itself."
    if not re.fullmatch("[A-Z]{2}", environment.get("INVOICE_ISSUER_COUNTRY", "IE")):
        yield "INVOICE_ISSUER_COUNTRY must be a code of two capital letters, such as IE (ISO 3166)."
    if "EMAIL_HOST_PASSWORD" in environment and _is_example(environment["EMAIL_HOST_PASSWORD"]):
        yield "EMAIL_HOST_PASSWORD is an example: set the mail server's own, or leave it empty."
    if "PUBLIC_URL" in environment and urlsplit(environment["PUBLIC_URL"]).scheme != "https":
        yield "PUBLIC_URL must begin with https://: cookies and links travel over TLS only."
    for name in ("LOOKALIKE_VAR", "LOOKALIKE_SCRATCH"):
        if name in environment and Path(environment[name]).resolve().is_relative_to(code):
            yield f"{name} must not lie in {code}, where the code is: name a folder of a volume."


def _unsafe_password(name: str, url: SplitResult) -> Iterator[str]:
    password = unquote(url.password or "")
    if not password:
        yield f"{name} has no password. Give the server one and write it into the address."
    elif password == unquote(url.username or "") or _guessable(password, _PASSWORD_LENGTH):
        yield f"The password in {name} is short or an example: it needs {_PASSWORD_LENGTH} random characters. {_HOW}"


def _guessable(secret: str, length: int) -> bool:
    return len(secret) < length or len(set(secret)) < _DIFFERENT or _is_example(secret)


def _is_example(secret: str) -> bool:
    return secret.lower() in _DEMO or any(telltale in secret.lower() for telltale in _TELLTALE)
