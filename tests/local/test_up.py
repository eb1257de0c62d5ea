"""One stack through two days: it starts on a crowded machine, loses each of its parts, is killed, and starts again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psycopg
import pytest
import redis
import stripe
from botocore.exceptions import BotoCoreError, ClientError
from celery import Celery

from tests.local.stacks import ROOT, Process, Up, Visitor, answers, libraries
from tests.stripe_world import VERSION

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("stack")]

_USUAL_PORTS = (5432, 6379, 8000, 8333, 12111)
_HEAVY = ("/numba/", "/llvmlite/", "/cv2/", "/sklearn/", "/torch/")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lookalike-up-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def taken() -> Iterator[set[int]]:
    """The usual ports, each held by this test; not those that somebody else has, who may let go of them."""
    with contextlib.ExitStack() as held:
        ports = set()
        for port in _USUAL_PORTS:
            with contextlib.suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                ports.add(port)
        yield ports


@pytest.fixture(scope="module")
def first(home: Path, taken: set[int]) -> Iterator[Up]:
    """A ready stack that found the usual ports taken."""
    up = Up(home)
    try:
        up.wait()
        yield up
    finally:
        up.clear()


@pytest.fixture(scope="module")
def remembered(first: Up) -> dict[str, Any]:
    """What the first day's stack.json and database say."""
    return first.facts | {"accounts": _accounts(first.facts)}


@pytest.fixture(scope="module")
def killed(first: Up, remembered: dict[str, Any]) -> list[Process]:
    """All processes of the first stack, whose own process was then killed with -9."""
    processes = first.everything()
    assert len(processes) > 10
    first.end(signal.SIGKILL)
    return processes


@pytest.fixture(scope="module")
def second(home: Path, killed: list[Process]) -> Iterator[Up]:
    """A ready stack in the same folder, started the moment the first one was killed."""
    up = Up(home)
    yield up
    up.clear()


@pytest.fixture(scope="module")
def second_ready(second: Up) -> Up:
    second.until(lambda: "Sign in as" in second.words, what="the second start")
    second.wait()
    return second


def test_ports_that_are_taken_are_evaded(first: Up, taken: set[int]) -> None:
    facts = first.facts
    ports = {urlsplit(facts[name]).port for name in ("site", "database", "redis")}
    ports |= {urlsplit(facts["s3"]["endpoint"]).port, urlsplit(facts["stripe"]["api"]).port}
    assert len(ports) == 5
    assert ports.isdisjoint(taken)


def test_only_its_owner_may_read_addresses_and_secrets(first: Up) -> None:
    assert stat.S_IMODE(first.var.stat().st_mode) == 0o700
    for name in ("stack.json", "secrets.json", "demo.json"):
        assert stat.S_IMODE((first.var / name).stat().st_mode) == 0o600


def test_no_secret_is_on_a_command_line_or_in_a_log(first: Up) -> None:
    facts = first.facts
    secrets = [urlsplit(facts[name]).password for name in ("database", "redis")]
    secrets += [facts["s3"]["secret_key"], facts["stripe"]["key"], *facts["tokens"].values()]
    secrets += facts["environment"]["STRIPE_WEBHOOK_SECRET"].split(",")
    secrets += [login["password"] for login in facts["logins"]]
    seen = [found.command for found in first.everything()]
    seen += [log.read_text(errors="replace") for log in (first.var / "log").iterdir()]
    assert all(secrets)
    assert [secret for secret in secrets if secret and any(secret in text for text in seen)] == []


def test_every_demo_login_signs_in_and_staff_sees_the_administration(first: Up) -> None:
    facts = first.facts
    assert {login["staff"] for login in facts["logins"]} == {True, False}
    for login in facts["logins"]:
        visitor = Visitor(facts["site"])
        assert login["email"] in visitor.sign_in(login)
        assert visitor.get("/staff/").status == (200 if login["staff"] else 403)


def test_the_demo_logins_and_the_address_are_told_to_people(first: Up) -> None:
    assert first.facts["site"] in first.words
    for login in first.facts["logins"]:
        assert f"{login['email']} with {login['password']}" in first.words


def test_every_token_is_one_of_the_account_it_is_named_for(first: Up) -> None:
    facts = first.facts
    assert facts["tokens"]
    for slug, token in facts["tokens"].items():
        found = _query(
            facts,
            "SELECT a.slug FROM accounts_apitoken t JOIN accounts_account a ON a.id = t.account_id"
            " WHERE t.sha256 = %s AND t.revoked_at IS NULL",
            sha256(token.encode()).hexdigest(),
        )
        assert found == [(slug,)]


def test_other_commands_work_on_the_running_stack_without_being_told(first: Up) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "register_generator", "card-transactions"]
    told = {"PATH": "/usr/bin:/bin", "LOOKALIKE_VAR": str(first.var)}
    done = subprocess.run(command, env=told, cwd="/", capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    number, digest = done.stdout.split()[-2:]
    registered = "SELECT number FROM runs_generatorversion WHERE digest = %s"
    assert _query(first.facts, registered, digest.removeprefix("sha256:")) == [(number,)]


def test_the_database_redis_and_the_bucket_answer_with_these_keys_and_no_others(first: Up) -> None:
    facts = first.facts
    assert _accounts(facts)
    wrong = urlsplit(facts["database"])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong._replace(netloc=f"postgres:wrong@127.0.0.1:{wrong.port}").geturl())

    with redis.Redis.from_url(facts["redis"]) as client:
        assert client.ping()
    port = urlsplit(facts["redis"]).port
    with redis.Redis(port=port or 0) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

    assert _listed(facts["s3"]) is not None
    with pytest.raises(ClientError):
        _listed(facts["s3"] | {"secret_key": "wrong"})


def test_events_of_payments_lead_to_the_site_and_are_signed(first: Up) -> None:
    facts = first.facts
    client = _stripe(facts)
    endpoints = list(client.v1.webhook_endpoints.list().auto_paging_iter())
    assert {endpoint.url for endpoint in endpoints} == {f"{facts['site']}/webhooks/stripe"}
    assert len(endpoints) == len(facts["environment"]["STRIPE_WEBHOOK_SECRET"].split(",")) == 2
    customer = client.v1.customers.create()
    told = "SELECT count(*) FROM billing_event WHERE body->'data'->'object'->>'id' = %s"
    first.until(lambda: _query(facts, told, customer.id) == [(1,)], what="the event")


def test_a_second_stack_in_the_same_folder_is_refused(first: Up, tmp_path: Path) -> None:
    other = Up(tmp_path, {"LOOKALIKE_VAR": str(first.var)})
    assert other.process.wait(240) == 1
    assert other.words == (f"A stack runs in {first.var} already. Stop it, or set LOOKALIKE_VAR to another folder.\n")
    assert first.facts["logins"]
    assert answers(first.facts["site"])


def test_a_port_that_is_asked_for_by_name_and_is_taken_is_refused(first: Up, tmp_path: Path) -> None:
    port = str(urlsplit(first.facts["site"]).port)
    other = Up(tmp_path, {"LOOKALIKE_SITE_PORT": port})
    assert other.process.wait(240) == 1
    assert other.words == (
        f"LOOKALIKE_SITE_PORT is {port}, but somebody answers there already. Name another, or unset it.\n"
    )


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(
            {
                "PostgreSQL": ("postgres", "-D"),
                "Valkey": ("valkey-server",),
                "S3": ("weed", "mini"),
                "Stripe stand-in": ("marketplace.local.stripe",),
            },
            id="servers",
        ),
        pytest.param(
            {"web": ("granian",), "worker-interactive": ("celery", "interactive@"), "beat": ("celery", "beat")},
            id="product",
        ),
    ],
)
def test_children_that_are_killed_are_started_again_and_the_site_works(
    first: Up, parts: dict[str, tuple[str, ...]]
) -> None:
    for words in parts.values():
        first.until(lambda words=words: len(first.children(*words)) == 1, what="all children")  # type: ignore[misc]
    before = {part: first.child(*words) for part, words in parts.items()}
    for child in before.values():
        os.kill(child.pid, signal.SIGKILL)
    _works_again(first, parts, before)


def test_a_server_whose_guard_is_killed_is_started_again_too(first: Up) -> None:
    words = ("postgres", "-D")
    before = first.child(*words)
    os.kill(first.guard(*words).pid, signal.SIGKILL)
    _works_again(first, {"PostgreSQL": words}, {"PostgreSQL": before})


def test_only_runners_load_the_heavy_libraries(first: Up) -> None:
    python = [found for found in first.everything() if "python" in found.command and "runner" not in found.command]
    assert any("granian" in found.command for found in python) and any("celery" in found.command for found in python)
    loaded = {found.command: [name for name in _HEAVY if name in libraries(found)] for found in python}
    assert {command: names for command, names in loaded.items() if names} == {}


def test_kill_9_of_the_stack_leaves_no_orphan(second_ready: Up, killed: list[Process]) -> None:
    assert [found.command for found in killed if found.alive] == []


def test_a_start_right_after_finds_yesterdays_logins_tokens_and_accounts(
    second_ready: Up, remembered: dict[str, Any]
) -> None:
    facts = second_ready.facts
    assert facts["logins"] == remembered["logins"]
    assert facts["tokens"] == remembered["tokens"]
    assert _accounts(facts) == remembered["accounts"]
    for login in facts["logins"]:
        assert login["email"] in Visitor(facts["site"]).sign_in(login)


def test_ctrl_c_leaves_no_process_and_takes_back_what_it_said(second_ready: Up) -> None:
    processes = second_ready.everything()
    status = second_ready.end(signal.SIGINT)
    assert status == 0, second_ready.words
    assert [found.command for found in processes if found.alive] == []
    assert second_ready.left() == []
    assert not second_ready.file.exists()
    assert second_ready.words.endswith("Stopping.\n")


def _works_again(up: Up, parts: dict[str, tuple[str, ...]], before: dict[str, Process]) -> None:
    """Wait until each part is another process, people can sign in, the store lists, and a worker takes work."""
    for part, words in parts.items():
        up.until(lambda part=part: not before[part].alive, what=f"the end of {part}")  # type: ignore[misc]
        up.until(lambda words=words: len(up.children(*words)) == 1, what=f"another {part}")  # type: ignore[misc]
        assert f"{part} ended and is started again" in up.words
    facts = up.facts
    buyer = next(login for login in facts["logins"] if not login["staff"])
    up.until(lambda: answers(facts["site"]), what="an answer of the site")
    up.until(lambda: _lists(facts["s3"]), what="an answer of the object store")
    up.until(lambda: _has_webhook(facts), what="an answer of the Stripe stand-in")
    assert buyer["email"] in Visitor(facts["site"]).sign_in(buyer)
    with Celery(broker=facts["redis"]) as app:
        up.until(lambda: any("interactive@" in name for name in _pinged(app)), what="an answer of the worker")


def _stripe(facts: dict[str, Any]) -> stripe.StripeClient:
    return stripe.StripeClient(
        facts["stripe"]["key"], base_addresses={"api": facts["stripe"]["api"]}, stripe_version=VERSION
    )


def _has_webhook(facts: dict[str, Any]) -> bool:
    try:
        return bool(_stripe(facts).v1.webhook_endpoints.list().data)
    except stripe.APIConnectionError:
        return False


def _lists(store: dict[str, str]) -> bool:
    try:
        return _listed(store) is not None
    except (ClientError, BotoCoreError):
        return False


def _pinged(app: Celery) -> list[str]:
    try:
        return [name for answer in app.control.ping(timeout=2) for name in answer]
    except (OSError, redis.RedisError):
        return []


def _query(facts: dict[str, Any], statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(facts["database"]) as connection:
        return connection.execute(statement, values).fetchall()


def _accounts(facts: dict[str, Any]) -> list[tuple[Any, ...]]:
    return _query(facts, "SELECT id, slug FROM accounts_account ORDER BY slug")


def _listed(store: dict[str, str]) -> int | None:
    client = boto3.session.Session(store["access_key"], store["secret_key"], region_name="us-east-1").client(
        "s3", endpoint_url=store["endpoint"]
    )
    return client.list_objects_v2(Bucket=store["bucket"]).get("KeyCount")
