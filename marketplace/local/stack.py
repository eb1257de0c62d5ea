"""``manage.py up``: the whole product on one machine, from nothing but this checkout and its environment.

PostgreSQL, Valkey, S3 and a stand-in for Stripe first, then the web server, workers by queue, and beat. Every child has
a log under ``var/log``; one that dies is started again, one that keeps dying stops the stack; Ctrl-C leaves nothing
behind.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any
from urllib.parse import urlsplit

from marketplace.local import given
from marketplace.local.processes import Child, StackError, free_port, stop_all
from marketplace.local.servers import BUCKET, ObjectStore, PostgreSQL, StripeStandIn, Valkey

ROOT = Path(__file__).resolve().parents[2]
Server = PostgreSQL | Valkey | ObjectStore | StripeStandIn
_DEATHS = 5
_YOUNG_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_ENDING_SECONDS = 30.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Secrets that tell what they are by how they begin.
_OF_STRIPE = {"stripe_api_key": "sk_test_", "stripe_events": "whsec_", "stripe_connect_events": "whsec_"}


@dataclass
class Deaths:
    """How often a child died young, one time after the other; how slowly it starts does not matter."""

    young: int = 0

    def note(self, lived: float) -> bool:
        """Note a death after so many seconds; ``True`` when it was one too many."""
        self.young = self.young + 1 if lived < _YOUNG_SECONDS else 1
        return self.young >= _DEATHS


class Stack:
    """The parts of one stack under ``var``. The product stops first, then the servers it stands on."""

    def __init__(self, var: Path, keep_open: tuple[int, ...] = ()) -> None:
        self.var = var
        self.keep_open = keep_open
        self.environment = dict(os.environ)
        self.servers: list[Server] = []
        self.product: list[Child] = []
        self._commands: list[Child] = []
        self._deaths: dict[str, Deaths] = {}

    def start(self) -> None:
        """Start everything; return when the site answers. Raises StackError.

        The web server spends its start importing, so it begins first, while the database is made and migrated; the
        workers begin when the shelves are planned.
        """
        given.check(self.environment)
        self._make_servers()
        self._settle_environment()
        web = self._web()
        web.start()
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait()
            if isinstance(server, StripeStandIn):
                server.tell(f"{self.environment['PUBLIC_URL']}/webhooks/stripe")
        self._command("migrate", "--no-input").run()
        web.wait_until_healthy()

    def start_workers(self) -> None:
        """Start what works unseen: the workers by queue, and beat."""
        for name, queues, processes in _workers():
            self._child(f"worker-{name}", worker_command(name, queues, processes)).start()
        beat = str(self.var / "beat-schedule")
        self._child("beat", [_program("celery"), "--app", "marketplace.celery", "beat", "--schedule", beat]).start()

    def stop(self) -> None:
        """End every child: the product, then the servers."""
        stop_all([*self._commands, *reversed(self.product)])
        stop_all([server.child for server in self.servers])

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Start again what dies, as long as need be. Raises StackError when a child keeps dying."""
        while not until():
            for child in (*(server.child for server in self.servers), *self.product):
                if not child.alive:
                    self._raise_again(child)
            time.sleep(_LOOK_SECONDS)

    def make_demo(self, *, shelves: bool) -> dict[str, Any]:
        """Have the demo accounts and, with ``shelves``, what stands on them made.

        Return all demo logins and tokens, also those of earlier starts.
        """
        known = self.var / "demo.json"
        demo = json.loads(known.read_text()) if known.exists() else {"logins": [], "tokens": {}}
        command = self._command("demo", *(() if shelves else ("--without-shelves",)))
        command.start(output=subprocess.PIPE)
        self.watch(until=lambda: not command.alive)
        made = json.loads(command.finish().splitlines()[-1])
        demo["logins"] += made["logins"]
        demo["tokens"] |= made["tokens"]
        _write_secret(known, demo)
        return dict(demo)

    def _raise_again(self, child: Child) -> None:
        deaths = self._deaths.setdefault(child.name, Deaths())
        if deaths.note(time.monotonic() - child.started):
            raise StackError(f"{child.name} keeps dying. The end of {child.log}:\n{child.tail()}")
        _say(f"{child.name} ended and is started again; its log is {child.log}.")
        time.sleep(min(2.0, 0.2 * 2**deaths.young))
        child.start()

    def _make_servers(self) -> None:
        kept = _secrets(self.var)
        made: dict[str, Callable[[], Server]] = {
            "S3_ENDPOINT_URL": lambda: ObjectStore(self.var / "s3", kept["s3_access_key"], kept["s3_secret_key"]),
            "REDIS_URL": lambda: Valkey(self.var / "valkey", kept["redis"]),
            "DATABASE_URL": lambda: PostgreSQL(self.var / "postgresql", kept["database"]),
            "STRIPE_API_KEY": lambda: StripeStandIn(
                self.var / "stripe", kept["stripe_api_key"], (kept["stripe_events"], kept["stripe_connect_events"])
            ),
        }
        self.servers = [make() for variable, make in made.items() if not self.environment.get(variable)]
        for server in self.servers:
            server.child.keep_open = self.keep_open
        self.environment.setdefault("SECRET_KEY", kept["secret_key"])

    def _settle_environment(self) -> None:
        """What the product reads its settings from."""
        for server in self.servers:
            match server:
                case PostgreSQL():
                    self.environment["DATABASE_URL"] = server.url
                case Valkey():
                    self.environment["REDIS_URL"] = server.url
                case ObjectStore():
                    # Keys, profiles and endpoints of a cloud that this user also works with are not for our own store.
                    ours = {name: value for name, value in self.environment.items() if not name.startswith("AWS_")}
                    self.environment = ours | {
                        "S3_ENDPOINT_URL": server.address.endpoint,
                        "AWS_ACCESS_KEY_ID": server.address.access_key,
                        "AWS_SECRET_ACCESS_KEY": server.address.secret_key,
                        "S3_BUCKET": BUCKET,
                    }
                case StripeStandIn():
                    self.environment |= {
                        "STRIPE_API_KEY": server.api_key,
                        "STRIPE_API_BASE": server.base,
                        "STRIPE_WEBHOOK_SECRET": ",".join(server.webhook_secrets),
                    }
        port = self.environment.setdefault("LOOKALIKE_SITE_PORT", str(free_port(8000)))
        self.environment.setdefault("PUBLIC_URL", f"http://localhost:{port}")
        self.environment |= {
            "LOOKALIKE_LOCAL": "1",
            "LOOKALIKE_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def _web(self) -> Child:
        port = int(self.environment["LOOKALIKE_SITE_PORT"])
        command = [
            *(_program("granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "2", "--blocking-threads", "4", "--log-level", "warning", "marketplace.wsgi:application"),
        ]
        return self._child("web", command, healthy=lambda: _answers(port, self.environment["PUBLIC_URL"]))

    def _child(self, name: str, command: list[str], healthy: Callable[[], bool] = lambda: True) -> Child:
        child = self._make(name, command, healthy=healthy)
        self.product.append(child)
        return child

    def _command(self, *arguments: str) -> Child:
        command = self._make(arguments[0], [sys.executable, str(ROOT / "manage.py"), *arguments])
        self._commands.append(command)
        return command

    def _make(self, name: str, command: list[str], healthy: Callable[[], bool] = lambda: True) -> Child:
        log = self.var / "log" / f"{name}.log"
        return Child(
            name,
            command,
            self.environment,
            log,
            healthy=healthy,
            stop_seconds=4.0,
            folder=ROOT,
            keep_open=self.keep_open,
        )


def main(arguments: Sequence[str] = ()) -> int:
    """Run the stack until a signal ends it; return an exit status."""
    parser = argparse.ArgumentParser(prog="manage.py up", description="The whole product on this machine.")
    parser.add_argument(
        "--without-shelves", action="store_true", help="make the demo accounts, but no datasets for the shelves"
    )
    asked = parser.parse_args(arguments)
    var = Path(os.environ.get("LOOKALIKE_VAR") or ROOT / "var").resolve()
    try:
        _prepare(var)
        with _alone(var) as held:
            return _run(Stack(var, keep_open=(held,)), shelves=not asked.without_shelves)
    except StackError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0


def _prepare(var: Path) -> None:
    """Have a folder that this user can write to; others do not look into it."""
    try:
        if not var.exists():
            var.mkdir(mode=0o700, parents=True)
        (var / "lock").touch()
    except OSError as error:
        raise StackError(
            f"The stack cannot keep its data in {var} ({error.strerror}): set LOOKALIKE_VAR to a folder of yours."
        ) from None


def _run(stack: Stack, *, shelves: bool) -> int:
    shutil.rmtree(stack.var / "scratch", ignore_errors=True)
    (stack.var / "static").mkdir(exist_ok=True)
    (stack.var / "stack.json").unlink(missing_ok=True)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        stack.start()
        _say(f"The site answers at {stack.environment['PUBLIC_URL']}. Logs are in {stack.var / 'log'}.")
        demo = stack.make_demo(shelves=shelves)
        stack.start_workers()
        _announce(stack, demo)
        stack.watch()
    except KeyboardInterrupt:
        _say("Stopping.")
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stack.stop()
        (stack.var / "stack.json").unlink(missing_ok=True)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _announce(stack: Stack, demo: dict[str, Any]) -> None:
    """Say where everything is: to people, and in ``var/stack.json`` to scripts."""
    environment = stack.environment
    _write_secret(
        stack.var / "stack.json",
        {
            "site": environment["PUBLIC_URL"],
            "database": environment["DATABASE_URL"],
            "redis": environment["REDIS_URL"],
            "s3": {
                "endpoint": environment.get("S3_ENDPOINT_URL", ""),
                "bucket": environment.get("S3_BUCKET", BUCKET),
                "access_key": environment.get("AWS_ACCESS_KEY_ID", ""),
                "secret_key": environment.get("AWS_SECRET_ACCESS_KEY", ""),
            },
            "stripe": {"api": environment.get("STRIPE_API_BASE", ""), "key": environment["STRIPE_API_KEY"]},
            "environment": dict(environment.items() - os.environ.items()),
            **demo,
        },
    )
    for login in demo["logins"]:
        _say(f"Sign in as {login['email']} with {login['password']}{' (staff)' if login['staff'] else ''}.")
    _say(f"Addresses and demo secrets are in {stack.var / 'stack.json'}. Ctrl-C ends everything.")


def worker_command(name: str, queues: str, processes: int) -> list[str]:
    """The command of a Celery worker. Workers know nothing of each other: that makes a second of each start."""
    return [
        *(_program("celery"), "--app", "marketplace.celery", "worker", "--hostname", f"{name}@%h"),
        *("--queues", queues, "--concurrency", str(processes), "--loglevel", "INFO"),
        *("--without-mingle", "--without-gossip"),
    ]


def _workers() -> list[tuple[str, str, int]]:
    """(name, queues, processes) of the workers: making data gets every core."""
    return [
        ("generation", "generation", max(2, os.cpu_count() or 2)),
        ("publishing", "publishing,housekeeping", 1),
        ("interactive", "interactive", 1),
    ]


def _secrets(var: Path) -> dict[str, str]:
    """Secrets of this stack, each made when it is first needed and kept."""
    path = var / "secrets.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    names = ("database", "redis", "s3_access_key", "s3_secret_key", "secret_key")
    missing = {name: secrets.token_urlsafe(48 if name == "secret_key" else 18) for name in names if name not in kept}
    for name, beginning in _OF_STRIPE.items():
        if name not in kept:
            missing[name] = beginning + secrets.token_hex(18)
    if missing:
        kept |= missing
        _write_secret(path, kept)
    return kept


def _write_secret(path: Path, document: dict[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.replace(path)


@contextlib.contextmanager
def _alone(var: Path) -> Iterator[int]:
    """Two stacks must not share one folder; yields the descriptor that each child's guard must hold.

    A stack that was killed is gone before its children are: they are waited for.
    """
    with (var / "lock").open("w") as lock, (var / "children.lock").open("w") as children:
        if not _locked(lock):
            raise StackError(f"A stack runs in {var} already. Stop it, or set LOOKALIKE_VAR to another folder.")
        end = time.monotonic() + _ENDING_SECONDS
        while not _locked(children):
            if time.monotonic() > end:
                raise StackError(f"Children of a stack that was killed still run in {var}: end them first.")
            time.sleep(_LOOK_SECONDS)
        yield children.fileno()


def _locked(file: IO[str]) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _answers(port: int, public_url: str) -> bool:
    address = urlsplit(public_url)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": address.netloc, "X-Forwarded-Proto": address.scheme})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
