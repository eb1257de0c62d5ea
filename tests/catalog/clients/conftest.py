"""The site behind a real web server, with datasets on its shelves, for clients that know nothing of us.

All tests of this folder share it; what is on the shelves is committed, so tests of nothing else belong here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from marketplace.local.processes import Child, accepts, free_port
from tests import workers
from tests.catalog.clients import shelves
from tests.catalog.clients.shelves import Shelved

_GRANIAN = str(Path(sys.executable).with_name("granian"))


@dataclass(frozen=True)
class Hub:
    """The running site: its address, what is on its shelves, and tokens with and without licences to it."""

    address: str
    shelved: Shelved
    folder: Path

    def environment(self, token: str = "", cache: str = "") -> dict[str, str]:
        """What a client is told, and nothing that it could learn from this process; ``cache`` names one of its own."""
        home = self.folder / f"home-{cache or token[-6:] or 'nobody'}"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HF_HOME": str(home / "hf"),
            "HF_ENDPOINT": self.address,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            **({"HF_TOKEN": token, "LOOKALIKE_TOKEN": token} if token else {}),
        }

    def python(self, script: str, *, token: str = "", cache: str = "") -> Any:
        """Run ``script`` in a process of its own; what it assigns to ``told`` comes back through JSON."""
        written = f"{script}\nimport json as _json, sys as _sys\n_sys.stdout.write('\\n' + _json.dumps(told))\n"
        done = self.run([sys.executable, "-c", written], token=token, cache=cache)
        return json.loads(done.splitlines()[-1])

    def run(self, command: list[str], *, token: str = "", cache: str = "") -> str:
        """Run a program; its output. Fails with what it said."""
        environment = self.environment(token, cache)
        home = Path(environment["HOME"])
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="package")
def hub(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, s3_bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """The site by Granian on the test database, as the stack starts it."""
    folder, port = tmp_path_factory.mktemp("hub"), free_port(0)
    address = f"http://127.0.0.1:{port}"
    with django_db_blocker.unblock():
        environment = workers.environment() | {"PUBLIC_URL": address}
        command = [
            *(_GRANIAN, "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "marketplace.wsgi:application"),
        ]
        child = Child("web", command, environment, folder / "web.log", healthy=lambda: accepts(port))
        try:
            shelved = shelves.fill()
            child.start()
            child.wait_until_healthy(240)
            yield Hub(address, shelved, folder)
        finally:
            child.stop()
            call_command("flush", verbosity=0, interactive=False)
