"""A pytest plugin: the real parts that tests run on, started once and ended with the tests.

It is loaded before Django's settings are, and tells them where the parts are. Each part steps aside when its address
is in the environment. With pytest-xdist the controller starts the parts; each worker has a database, a Redis database,
a bucket and a world of the Stripe stand-in of its own. When all tests have run, the stand-in is asked whether it was
ever used, or answered, other than Stripe's description allows: if so, the tests have failed.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from marketplace.local.servers import ObjectStore, PostgreSQL, StripeStandIn, Valkey

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start the parts that nobody named, then say where everything is."""
    if _WORKER:
        number = int(_WORKER.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{number}"
        os.environ["S3_BUCKET"] = f"tests-{_WORKER}"
        os.environ["LOOKALIKE_VAR"] = os.environ["LOOKALIKE_VAR"] + f"-{_WORKER}"
        os.environ["STRIPE_API_KEY"] = f"sk_test_{_WORKER}"
        return
    home = Path(tempfile.mkdtemp(prefix="lookalike-tests-"))
    _start(home)
    os.environ.update(
        SECRET_KEY=secrets.token_urlsafe(50),
        PUBLIC_URL="http://localhost:8000",
        LOOKALIKE_LOCAL="1",
        LOOKALIKE_VAR=str(home / "var"),
        S3_BUCKET="tests",
        WORK_LEASE_SECONDS="5",
        WORK_SWEEP_SECONDS="1",
        WORK_HINT_SECONDS="2",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the whole when the Stripe stand-in saw or said something that Stripe's description does not allow."""
    base = os.environ.get("STRIPE_API_BASE")
    if _WORKER or base is None:
        return
    try:
        with urllib.request.urlopen(f"{base}/_control/audit", timeout=60) as answer:
            violations = json.load(answer)["violations"]
    except OSError as error:
        violations = [{"request": "the audit at the end", "violation": f"the stand-in did not answer: {error}"}]
    for violation in violations:
        sys.stderr.write(f"\nStripe's contract is broken: {violation['request']}: {violation['violation']}")
    if violations:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _start(home: Path) -> None:
    servers: list[PostgreSQL | Valkey | ObjectStore | StripeStandIn] = []
    if "DATABASE_URL" not in os.environ:
        database = PostgreSQL(home / "postgresql", secrets.token_urlsafe(12), port=0, durable=False)
        os.environ["DATABASE_URL"] = database.url
        servers.append(database)
    if "REDIS_URL" not in os.environ:
        redis = Valkey(home / "valkey", secrets.token_urlsafe(12), port=0, durable=False)
        os.environ["REDIS_URL"] = redis.url
        servers.append(redis)
    if "S3_ENDPOINT_URL" not in os.environ:
        store = ObjectStore(home / "s3", "tests", secrets.token_urlsafe(12), port=0)
        os.environ["S3_ENDPOINT_URL"] = store.address.endpoint
        os.environ["AWS_ACCESS_KEY_ID"] = store.address.access_key
        os.environ["AWS_SECRET_ACCESS_KEY"] = store.address.secret_key
        servers.append(store)
    if "STRIPE_API_BASE" not in os.environ:
        # A key that somebody has in their environment is never for tests.
        stripe = StripeStandIn(home / "stripe", "sk_test_alone", ("whsec_tests", "whsec_connect"), port=0)
        os.environ["STRIPE_API_BASE"] = stripe.base
        os.environ["STRIPE_API_KEY"] = stripe.api_key
        os.environ["STRIPE_WEBHOOK_SECRET"] = ",".join(stripe.webhook_secrets)
        servers.append(stripe)
    atexit.register(_stop, servers, home)
    for server in servers:
        server.start()
    for server in servers:
        server.wait()


def _stop(servers: list[PostgreSQL | Valkey | ObjectStore | StripeStandIn], home: Path) -> None:
    for server in servers:
        server.child.stop()
    shutil.rmtree(home, ignore_errors=True)
