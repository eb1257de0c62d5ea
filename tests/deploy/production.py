"""A deployment on this machine: the image's entry point with production settings, on the real parts of the tests.

Database role, database, broker user and bucket are made for it, so nothing of the one-machine stack shows through.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from marketplace.local.processes import Child, free_port

ROOT = Path(__file__).parents[2]
ENTRYPOINT = ROOT / "deploy" / "entrypoint"
HOST = "market.example"
_BROKER_DATABASE = 15


def settings(folder: Path) -> dict[str, str]:
    """What a deployment with secrets of its own is told; it leads nowhere until a database and a broker are named."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PUBLIC_URL": f"https://{HOST}",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "LOOKALIKE_KEYS_SECRET": secrets.token_urlsafe(48),
        "LOOKALIKE_VAR": str(folder / "var"),
        "LOOKALIKE_SCRATCH": str(folder / "scratch"),
        "STATIC_ROOT": str(folder / "static"),
        "DATABASE_URL": f"postgresql://nobody:{secrets.token_urlsafe(12)}@127.0.0.1:1/none",
        "REDIS_URL": f"redis://:{secrets.token_urlsafe(12)}@127.0.0.1:1/0",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": "1",
        "EMAIL_USE_TLS": "false",
        "STRIPE_API_KEY": f"sk_test_{secrets.token_hex(12)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "INVOICE_ISSUER_NAME": "Market Ltd",
        "INVOICE_ISSUER_ADDRESS": "1 Main Street | 1000 Town",
        "INVOICE_ISSUER_COUNTRY": "IE",
        "AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": os.environ["AWS_SECRET_ACCESS_KEY"],
        "S3_ENDPOINT_URL": os.environ["S3_ENDPOINT_URL"],
        "S3_BUCKET": f"deploy-{secrets.token_hex(6)}",
        "WORK_LEASE_SECONDS": "5",
        "WORK_SWEEP_SECONDS": "1",
        "WORK_HINT_SECONDS": "2",
    }


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the entry point until it ends; its stderr is in its stdout."""
    return subprocess.run(
        [ENTRYPOINT, *arguments],
        env=environment,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=180,
    )


class Databases:
    """Databases of one ordinary role on the tests' PostgreSQL."""

    def __init__(self) -> None:
        self.role, self.password = f"deploy_{secrets.token_hex(4)}", secrets.token_urlsafe(18)
        self.names: list[str] = []
        with self.admin() as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(self.role), sql.Literal(self.password)
                )
            )

    @contextlib.contextmanager
    def admin(self) -> Iterator[psycopg.Connection]:
        """A connection that may do anything to the server."""
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            yield connection

    def create(self, template: str = "template0") -> str:
        """A new database of the role; returns its name."""
        name = f"{self.role}_{len(self.names)}"
        with self.admin() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                    *map(sql.Identifier, (name, self.role, template))
                )
            )
        self.names.append(name)
        return name

    def url(self, name: str) -> str:
        """The address by which the role reaches one of its databases."""
        parts = urlsplit(os.environ["DATABASE_URL"])
        place = f"{self.role}:{self.password}@{parts.hostname}:{parts.port or 5432}"
        return urlunsplit(parts._replace(netloc=place, path=f"/{name}"))

    def close(self, name: str, *, closed: bool = True) -> None:
        """Let nobody connect to a database any more, and end who is connected; or let them again."""
        with self.admin() as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(name), sql.SQL("false" if closed else "true")
                )
            )
            if closed:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    def drop(self) -> None:
        """Leave nothing behind."""
        with self.admin() as connection:
            for name in self.names:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(self.role)))


class Broker:
    """A user of the tests' Valkey, and a database there that no other test uses."""

    def __init__(self) -> None:
        self.user, password = f"deploy-{secrets.token_hex(4)}", secrets.token_urlsafe(18)
        parts = urlsplit(os.environ["REDIS_URL"])
        place = f"{self.user}:{password}@{parts.hostname}:{parts.port or 6379}"
        self.url = urlunsplit(parts._replace(netloc=place, path=f"/{_BROKER_DATABASE}"))
        self._admin = redis.Redis.from_url(urlunsplit(parts._replace(path=f"/{_BROKER_DATABASE}")))
        self._admin.execute_command("ACL", "SETUSER", self.user, "on", f">{password}", "~*", "&*", "+@all")

    def flush(self) -> None:
        """Lose all that waits."""
        self._admin.flushdb()

    def close(self, *, closed: bool = True) -> None:
        """Refuse the user, and end its connections; or let it in again."""
        self._admin.execute_command("ACL", "SETUSER", self.user, "off" if closed else "on")
        if closed:
            self._admin.execute_command("CLIENT", "KILL", "USER", self.user)

    def drop(self) -> None:
        """Leave nothing behind."""
        self.flush()
        self._admin.execute_command("ACL", "DELUSER", self.user)
        self._admin.close()


@dataclass
class Deployment:
    """One set of settings on a database of its own, and the processes that run with them."""

    environment: dict[str, str]
    database: str
    databases: Databases
    broker: Broker
    logs: Path
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where this deployment's web process listens."""
        return int(self.environment["GRANIAN_PORT"])

    def start(self, name: str, *role: str) -> Child:
        """Start a role as a process of its own; it lives no longer than the tests."""
        child = Child(name, [str(ENTRYPOINT), *role], self.environment, self.logs / f"{name}.log")
        self.children[name] = child
        child.start()
        return child

    def end(self, name: str, grace: float) -> int:
        """Ask a process to end by SIGTERM, as a container engine does, and return its exit status."""
        process = self.children.pop(name).process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        return process.wait(grace)

    def ask(
        self, path: str, *, method: str = "GET", body: str = "", headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Send one request as the proxy does: by the site's name, saying that the visitor came over https."""
        sent = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body.encode(), headers=sent)
        return connection.getresponse()

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the database says."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def stop(self) -> None:
        """End what still runs."""
        for child in reversed(self.children.values()):
            child.stop()


@dataclass(frozen=True)
class Ground:
    """What all deployments of these tests share: static files, a bucket, a migrated database to copy."""

    environment: dict[str, str]
    template: str
    said: str
    databases: Databases
    broker: Broker

    def deployment(self, folder: Path, **more: str) -> Deployment:
        """A deployment with a copy of the migrated database."""
        database = self.databases.create(self.template)
        own = {
            "DATABASE_URL": self.databases.url(database),
            "LOOKALIKE_SCRATCH": str(folder / "scratch"),
            "LOOKALIKE_VAR": str(folder / "var"),
            "GRANIAN_HOST": "127.0.0.1",
            "GRANIAN_PORT": str(free_port(0)),
            "WORKER_PROCESSES": "1",
        }
        (folder / "var").mkdir()
        self.broker.flush()
        return Deployment(self.environment | own | more, database, self.databases, self.broker, folder / "log")


def the_process(child: Child) -> str:
    """The command line of what runs under the guard: the role itself, if the entry point became it."""
    assert child.process is not None
    guard = child.process.pid
    pids = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
    return Path(f"/proc/{pids[0]}/cmdline").read_bytes().replace(b"\0", b" ").decode()
