"""The servers by themselves, where a whole stack would show no more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.local.processes import free_port, free_ports
from marketplace.local.servers import ObjectStore, PostgreSQL

#: What ``localhost`` may lead to on this machine.
_LOOPBACK = ["127.0.0.1", *(["::1"] if Path("/proc/net/if_inet6").exists() else [])]
_PR_CAPBSET_DROP, _CAP_SETFCAP = 24, 31
_CLAIM = """
import sys
from marketplace.local.processes import free_port
print(free_port(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""
_START = """
import sys
from pathlib import Path
from marketplace.local.servers import PostgreSQL
PostgreSQL(Path(sys.argv[1]), "secret", port=0).start()
"""
#: Starts PostgreSQL twice in the folder of its first argument, and says who owned the data and what it remembered.
_TWICE = """
import sys
from pathlib import Path
import psycopg
from marketplace.local.servers import PostgreSQL
home = Path(sys.argv[1])
for statement in ("CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1"):
    server = PostgreSQL(home, "secret", port=0, durable=False)
    server.start()
    try:
        server.wait()
        with psycopg.connect(server.url) as connection:
            connection.execute(statement)
            connection.commit()
            print(connection.execute("SELECT answer FROM kept").fetchone()[0], (home / "data").stat().st_uid)
    finally:
        server.child.stop()
"""
#: As process 1 of many a container, it has orphans for children and never reaps them. It kills the guard of a server at
#: work and says whether the next one remembers.
_UNREAPED = """
import ctypes, os, signal, sys
from pathlib import Path
import psycopg
from marketplace.local.servers import PostgreSQL
PR_SET_CHILD_SUBREAPER = 36
assert not ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
server = PostgreSQL(Path(sys.argv[1]), "secret", port=0)
server.start()
try:
    server.wait()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        busy = psycopg.connect(server.url, autocommit=True)
        busy.pgconn.send_query(b"SELECT pg_sleep(600)")
        (orphan,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        os.kill(server.child.process.pid, signal.SIGKILL)
    server.child.start()
    server.wait()
    with psycopg.connect(server.url) as connection:
        state = Path(f"/proc/{orphan}/stat").read_text().rpartition(")")[2].split()[0]
        print(state, connection.execute("SELECT answer FROM kept").fetchone()[0])
finally:
    server.child.stop()
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lookalike-servers-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("address", _LOOPBACK)
def test_a_port_where_somebody_answers_to_localhost_is_evaded(address: str) -> None:
    with socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


def test_a_port_that_a_stack_is_about_to_use_is_evaded_by_the_next_one_until_it_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody_yet:
        port = nobody_yet.getsockname()[1]
    first = subprocess.Popen(
        [sys.executable, "-c", _CLAIM, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout and first.stdout.readline() == f"{port}\n"
    assert free_port(port) != port
    first.communicate("")
    assert free_port(port) == port


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(50))) == 50


def test_no_outgoing_connection_takes_a_free_port_before_its_server_starts() -> None:
    # Linux gives out ports from 32,768 on to connections, macOS from 49,152 on.
    assert max(free_ports(50)) < 32_768


def test_the_object_store_starts_in_a_folder_with_a_very_long_name(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 40) / "s3"
    store = ObjectStore(home, "key", "secret", port=0)
    store.start()
    try:
        store.wait()
    finally:
        store.child.stop()


def test_a_start_that_was_killed_while_the_database_was_made_is_made_up_for(tmp_path: Path) -> None:
    home = tmp_path / "postgresql"
    starting = subprocess.Popen([sys.executable, "-c", _START, str(home)])
    while not list(home.glob("initdb-*/data/PG_VERSION")):
        assert starting.poll() is None
        time.sleep(0.001)
    starting.kill()
    starting.wait()
    assert not (home / "data").exists()

    server = PostgreSQL(home, "b", port=0, durable=False)
    server.start()
    try:
        server.wait()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.child.stop()
    assert not list(home.glob("initdb-*"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process cannot be made the parent of orphans")
def test_a_server_at_work_whose_guard_is_killed_starts_again_where_nobody_reaps_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _UNREAPED, str(tmp_path / "postgresql")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Z 42\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells what a process works on")
def test_a_lock_file_with_the_number_of_another_program_by_now_keeps_no_server_from_starting(tmp_path: Path) -> None:
    server = PostgreSQL(tmp_path / "postgresql", "b", port=0, durable=False)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        server.start()
        try:
            server.wait()
            lock = server.home / "data" / "postmaster.pid"
            lines = lock.read_text().splitlines(keepends=True)
            server.child.stop()
            lock.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
            server.start()
            server.wait()
        finally:
            server.child.stop()
        assert stranger.poll() is None
        stranger.communicate(b"\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else for PostgreSQL")
@pytest.mark.parametrize("namespaces", [True, False])
def test_root_has_postgresql_with_user_namespaces_and_without(open_folder: Path, namespaces: bool) -> None:
    """Without CAP_SETFCAP Linux lets root map no root into a user namespace: as in many containers."""
    home = open_folder / "postgresql"
    keep = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', *sys.argv[1:]])"
    drop = f"import ctypes; assert not ctypes.CDLL(None).prctl({_PR_CAPBSET_DROP}, {_CAP_SETFCAP}, 0, 0, 0); {keep}"
    command = [sys.executable, "-c", keep if namespaces else drop, _TWICE, str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    owner = 0 if namespaces else 65534
    assert done.stdout.splitlines() == [f"42 {owner}"] * 2
