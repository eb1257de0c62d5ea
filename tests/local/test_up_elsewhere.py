"""Stacks in other circumstances: on servers that somebody else runs, half told of them, and as an ordinary user."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import psycopg
import pytest
import redis

from tests.local.stacks import Up, Visitor, answers

_GROUP = pytest.mark.xdist_group("stack")
_STRIPE = {name: os.environ[name] for name in ("STRIPE_API_BASE", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")}
_STORE = {name: os.environ[name] for name in ("S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="lookalike-up-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database on the tests' own server."""
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    name = f"given_{uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.journey
@_GROUP
def test_each_part_steps_aside_when_its_address_is_given(home: Path, database: str) -> None:
    bucket = f"given-{uuid4().hex}"
    broker = os.environ["REDIS_URL"].rpartition("/")[0] + "/15"
    up = Up(home, {"DATABASE_URL": database, "REDIS_URL": broker, "S3_BUCKET": bucket} | _STORE | _STRIPE)
    try:
        up.wait()
        up.until(lambda: bool(up.children("celery", "beat")), what="the last child")
        started = " ".join(child.command for child in up.children())
        assert "granian" in started
        assert not any(server in started for server in ("postgres -D", "valkey-server", "weed", "local.stripe"))
        facts = up.facts
        assert (facts["database"], facts["redis"]) == (database, broker)
        assert facts["s3"] == {
            "endpoint": _STORE["S3_ENDPOINT_URL"],
            "bucket": bucket,
            "access_key": _STORE["AWS_ACCESS_KEY_ID"],
            "secret_key": _STORE["AWS_SECRET_ACCESS_KEY"],
        }
        assert facts["stripe"] == {"api": _STRIPE["STRIPE_API_BASE"], "key": _STRIPE["STRIPE_API_KEY"]}
        assert facts["logins"][0]["email"] in Visitor(facts["site"]).sign_in(facts["logins"][0])
        boto3.session.Session().client("s3", endpoint_url=_STORE["S3_ENDPOINT_URL"]).head_bucket(Bucket=bucket)
        assert up.end(signal.SIGTERM) == 0
        assert up.left() == []
    finally:
        up.clear()
    with redis.Redis.from_url(broker) as client:
        assert client.ping()
        client.flushdb()


@pytest.mark.journey
@_GROUP
def test_an_ordinary_user_has_the_whole_stack_and_a_child_that_keeps_dying_ends_it(home: Path) -> None:
    """The tests' own user where that is an ordinary one; ``nobody``, whose home is empty, where it is root."""
    root = os.geteuid() == 0
    if root:
        os.chown(home, 65534, 65534)
    up = Up(home, user="nobody" if root else None)
    try:
        up.wait()
        assert {Path(f"/proc/{found.pid}").stat().st_uid for found in up.everything()} == {
            65534 if root else os.geteuid()
        }
        facts = up.facts
        for login in facts["logins"]:
            assert login["email"] in Visitor(facts["site"]).sign_in(login)

        (up.var / "valkey" / "valkey.conf").write_text("no-such-setting yes\n")
        os.kill(up.child("valkey-server").pid, signal.SIGKILL)
        assert up.process.wait(240) == 1
        assert f"Valkey keeps dying. The end of {up.var / 'log' / 'valkey.log'}:\n" in up.words
        assert "no-such-setting" in up.words.rpartition("keeps dying")[2]
        assert up.left() == []
        assert not up.file.exists()
        assert not answers(facts["site"])
    finally:
        up.clear()


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"S3_ENDPOINT_URL": "http://127.0.0.1:9"},
            "S3_ENDPOINT_URL is set, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY not: set the keys to that store,",
        ),
        (
            {"S3_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "key"},
            "S3_ENDPOINT_URL is set, but AWS_SECRET_ACCESS_KEY not: set the keys to that store,",
        ),
        (
            {"S3_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"},
            "S3_ENDPOINT_URL leads to no object store: http://127.0.0.1:9: ",
        ),
        ({"S3_ENDPOINT_URL": "127.0.0.1:9000"}, "S3_ENDPOINT_URL must be like http://host:port, not '127.0.0.1:9000';"),
        ({"DATABASE_URL": "mysql://127.0.0.1/x"}, "DATABASE_URL must be like postgresql://host:port, not"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x"}, "DATABASE_URL leads to no database: "),
        ({"REDIS_URL": "localhost"}, "REDIS_URL must be like redis://host:port, not 'localhost';"),
        ({"REDIS_URL": "redis://127.0.0.1:9/0"}, "REDIS_URL leads to no Redis: "),
        (
            {"STRIPE_API_KEY": "sk_test_1"},
            "STRIPE_API_KEY is set, but STRIPE_WEBHOOK_SECRET not: set the secret of your webhook endpoint,",
        ),
        ({"STRIPE_API_KEY": "pk_test_1"}, "STRIPE_API_KEY must be a secret key, like sk_test_…, and this one begins"),
        ({"STRIPE_API_BASE": "https://127.0.0.1:9"}, "STRIPE_API_BASE is set, but STRIPE_API_KEY not: set the key to"),
        (
            {
                "STRIPE_API_KEY": "sk_test_1",
                "STRIPE_WEBHOOK_SECRET": "whsec_1",
                "STRIPE_API_BASE": "http://127.0.0.1:9",
            },
            "STRIPE_API_BASE leads to no Stripe: http://127.0.0.1:9: ",
        ),
        (
            _STRIPE | {"STRIPE_API_KEY": "sk_live_of_nobody"},
            f"STRIPE_API_KEY is refused by {_STRIPE['STRIPE_API_BASE']}. Mend it,",
        ),
        ({"LOOKALIKE_SITE_PORT": "web"}, "LOOKALIKE_SITE_PORT must be a number from 1 to 65535, not 'web';"),
    ],
)
def test_half_an_address_is_refused_with_a_sentence_that_names_the_variable(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    up = Up(tmp_path, environment)
    assert up.process.wait(240) == 1
    assert up.words.startswith(sentence), up.words
    assert up.words.count("\n") == 1
    assert up.left() == []


def test_all_that_is_wrong_with_the_environment_is_said_at_once(tmp_path: Path) -> None:
    up = Up(tmp_path, {"DATABASE_URL": "x", "REDIS_URL": "y", "S3_ENDPOINT_URL": "z", "LOOKALIKE_SITE_PORT": "0"})
    assert up.process.wait(240) == 1
    named = [line.split()[0] for line in up.words.splitlines()]
    assert named == ["LOOKALIKE_SITE_PORT", "DATABASE_URL", "REDIS_URL", "S3_ENDPOINT_URL"]


def test_a_folder_that_cannot_be_written_to_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    var = tmp_path / "file" / "var"
    up = Up(tmp_path, {"LOOKALIKE_VAR": str(var)})
    assert up.process.wait(240) == 1
    assert up.words == (
        f"The stack cannot keep its data in {var} (Not a directory): set LOOKALIKE_VAR to a folder of yours.\n"
    )
