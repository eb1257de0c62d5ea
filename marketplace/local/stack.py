"""``manage.py up``: the whole product on one machine, from nothing but this checkout and its environment.

PostgreSQL, Valkey and S3 first, then the web server, workers by queue, and beat. Every child has a log under
``var/log``; one that dies is started again, one that keeps dying stops the stack; Ctrl-C leaves nothing behind.
"""

from __future__ import annotations

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
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketplace.local.processes import Child, StackError, free_port
from marketplace.local.servers import BUCKET, ObjectStore, PostgreSQL, Valkey

ROOT = Path(__file__).resolve().parents[2]
_DEATHS = 5
_DEATHS_SECONDS = 60.0
_LOOK_SECONDS = 0.5


@dataclass
class Deaths:
    """When a child died lately: often enough, and it is not started again."""

    moments: list[float] = field(default_factory=list)

    def note(self, now: float) -> bool:
        """Note a death; ``True`` when it was one too many."""
        self.moments = [moment for moment in self.moments if now - moment < _DEATHS_SECONDS] + [now]
        return len(self.moments) >= _DEATHS


class Stack:
    """The parts of one stack under ``var``, in the order in which they start; they stop in the other order."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.secrets = _secrets(var)
        self.environment = dict(os.environ)
        self.servers: list[PostgreSQL | Valkey | ObjectStore] = []
        self.children: list[Child] = []
        self._deaths: dict[str, Deaths] = {}
        self._ended = threading.Event()

    def start(self) -> None:
        """Start everything; return when the site answers. Raises StackError."""
        self._start_servers()
        self._settle_environment()
        _run_all([self._command("migrate", "--no-input"), self._command("collectstatic", "--no-input")])
        self._start_product()

    def stop(self) -> None:
        """End every child: beat, workers, web, then the servers."""
        self._ended.set()
        for child in reversed(self.children):
            child.stop()

    def watch(self) -> None:
        """Start again what dies, until a signal ends the stack. Raises StackError when a child keeps dying."""
        while not self._ended.wait(_LOOK_SECONDS):
            for child in self.children:
                if not child.alive and not self._ended.is_set():
                    self._raise_again(child)

    def end(self) -> None:
        """Make ``watch`` return."""
        self._ended.set()

    def fill_shelves(self) -> dict[str, Any]:
        """Have the demo accounts and shelves made; return all demo logins and tokens, also those of earlier starts."""
        known = self.var / "demo.json"
        demo = json.loads(known.read_text()) if known.exists() else {"logins": [], "tokens": {}}
        done = subprocess.run(
            self._command("demo").arguments, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        (self.var / "log" / "demo.log").write_text(done.stderr)
        if done.returncode:
            raise StackError(f"The demo shelves could not be filled:\n{done.stderr[-2000:]}")
        made = json.loads(done.stdout.splitlines()[-1])
        demo["logins"] += made["logins"]
        demo["tokens"] |= made["tokens"]
        _write_secret(known, demo)
        return dict(demo)

    def _raise_again(self, child: Child) -> None:
        deaths = self._deaths.setdefault(child.name, Deaths())
        if deaths.note(time.monotonic()):
            raise StackError(f"{child.name} keeps dying. The end of {child.log}:\n{child.tail()}")
        _say(f"{child.name} ended and is started again; its log is {child.log}.")
        time.sleep(min(2.0, 0.2 * 2 ** len(deaths.moments)))
        child.start()

    def _start_servers(self) -> None:
        made: list[tuple[str, Callable[[], PostgreSQL | Valkey | ObjectStore]]] = [
            ("DATABASE_URL", lambda: PostgreSQL(self.var / "postgresql", self.secrets["database"])),
            ("REDIS_URL", lambda: Valkey(self.var / "valkey", self.secrets["redis"])),
            (
                "S3_ENDPOINT_URL",
                lambda: ObjectStore(self.var / "s3", self.secrets["s3_access_key"], self.secrets["s3_secret_key"]),
            ),
        ]
        self.servers = [make() for variable, make in made if variable not in os.environ]
        for server in self.servers:
            server.start()
            self.children.append(server.child)
        for server in self.servers:
            server.wait()

    def _settle_environment(self) -> None:
        """What the product reads its settings from."""
        for server in self.servers:
            match server:
                case PostgreSQL():
                    self.environment["DATABASE_URL"] = server.url
                case Valkey():
                    self.environment["REDIS_URL"] = server.url
                case ObjectStore():
                    self.environment |= {
                        "S3_ENDPOINT_URL": server.address.endpoint,
                        "AWS_ACCESS_KEY_ID": server.address.access_key,
                        "AWS_SECRET_ACCESS_KEY": server.address.secret_key,
                        "S3_BUCKET": BUCKET,
                    }
        port = free_port(8000)
        self.environment.setdefault("PUBLIC_URL", f"http://localhost:{port}")
        self.environment.setdefault("SECRET_KEY", self.secrets["secret_key"])
        self.environment |= {
            "LOOKALIKE_LOCAL": "1",
            "LOOKALIKE_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "PYTHONUNBUFFERED": "1",
        }
        self.environment.setdefault("LOOKALIKE_SITE_PORT", str(port))

    def _start_product(self) -> None:
        port = int(self.environment["LOOKALIKE_SITE_PORT"])
        web = self._child(
            "web",
            [
                *(_program("granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
                *("--workers", "2", "--blocking-threads", "4", "--no-log", "marketplace.wsgi:application"),
            ],
            healthy=lambda: _answers(port),
        )
        web.start()
        for name, queues, processes in _workers():
            celery = (_program("celery"), "--app", "marketplace.celery", "worker", "--hostname", f"{name}@%h")
            self._child(
                f"worker-{name}",
                [*celery, "--queues", queues, "--concurrency", str(processes), "--loglevel", "INFO"],
            ).start()
        beat = self.var / "beat-schedule"
        self._child(
            "beat", [_program("celery"), "--app", "marketplace.celery", "beat", "--schedule", str(beat)]
        ).start()
        web.wait_until_healthy()

    def _child(self, name: str, command: list[str], healthy: Callable[[], bool] = lambda: True) -> Child:
        log = self.var / "log" / f"{name}.log"
        child = Child(name, command, self.environment, log, healthy=healthy, stop_seconds=4.0)
        self.children.append(child)
        return child

    def _command(self, *arguments: str) -> Command:
        return Command([sys.executable, str(ROOT / "manage.py"), *arguments], self.environment)


@dataclass(frozen=True)
class Command:
    """A command of Django's, and the environment it runs in."""

    arguments: list[str]
    environment: dict[str, str]


def main() -> int:
    """Run the stack until a signal ends it; return an exit status."""
    var = Path(os.environ.get("LOOKALIKE_VAR", ROOT / "var")).resolve()
    var.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    try:
        with _alone(var):
            return _run(Stack(var))
    except StackError as error:
        _say(str(error))
        return 1


def _run(stack: Stack) -> int:
    shutil.rmtree(stack.var / "scratch", ignore_errors=True)
    (stack.var / "stack.json").unlink(missing_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: _interrupt(stack))
    failed: list[StackError] = []
    try:
        stack.start()
        site = stack.environment["PUBLIC_URL"]
        _say(f"The site answers at {site}. The shelves are being filled; logs are in {stack.var / 'log'}.")
        threading.Thread(target=_announce, args=(stack, failed), daemon=True).start()
        stack.watch()
    except KeyboardInterrupt:
        _say("Stopping.")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stack.stop()
        (stack.var / "stack.json").unlink(missing_ok=True)
    for error in failed:
        raise error
    return 0


def _interrupt(stack: Stack) -> None:
    stack.end()
    raise KeyboardInterrupt


def _announce(stack: Stack, failed: list[StackError]) -> None:
    """Fill the shelves, then say where everything is, to people and in ``var/stack.json`` to scripts."""
    try:
        demo = stack.fill_shelves()
    except StackError as error:
        failed.append(error)
        stack.end()
        return
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
            **demo,
        },
    )
    for login in demo["logins"]:
        _say(f"Sign in as {login['email']} with {login['password']}{' (staff)' if login['staff'] else ''}.")
    _say(f"Addresses and demo secrets are in {stack.var / 'stack.json'}. Ctrl-C ends everything.")


def _workers() -> list[tuple[str, str, int]]:
    """(name, queues, processes) of the workers: making data gets every core."""
    return [
        ("generation", "generation", max(2, os.cpu_count() or 2)),
        ("publishing", "publishing,housekeeping", 1),
        ("interactive", "interactive", 1),
    ]


def _secrets(var: Path) -> dict[str, str]:
    """Secrets of this stack, made on the first start and kept."""
    path = var / "secrets.json"
    if not path.exists():
        names = ("database", "redis", "s3_access_key", "s3_secret_key", "secret_key")
        _write_secret(path, {name: secrets.token_urlsafe(48 if name == "secret_key" else 18) for name in names})
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def _write_secret(path: Path, document: dict[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.replace(path)


@contextlib.contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Two stacks must not share one folder."""
    with (var / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(
                f"A stack runs in {var} already. Stop it, or set LOOKALIKE_VAR to another folder."
            ) from None
        yield


def _run_all(commands: list[Command]) -> None:
    """Run commands side by side. Raises StackError with what a failing one said."""
    running = [
        subprocess.Popen(
            command.arguments, env=command.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for command in commands
    ]
    for command, process in zip(commands, running, strict=True):
        output, _ = process.communicate()
        if process.returncode:
            raise StackError(f"manage.py {command.arguments[2]} failed:\n{output.decode(errors='replace')[-3000:]}")


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": "localhost"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
