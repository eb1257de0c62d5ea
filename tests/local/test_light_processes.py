"""The web server and the workers start, and serve, without the heavy libraries of generators and tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import workers

_ROOT = Path(__file__).resolve().parents[2]
_HEAVY = {"numba", "llvmlite", "cv2", "sklearn", "torch", "pandas", "scipy"}
#: Serves pages as the web server does, then prints what was answered and imported.
_WEB = """
import json, sys
from wsgiref.util import setup_testing_defaults
from marketplace.wsgi import application
answered = {}
for path in sys.argv[1:]:
    environ = {"PATH_INFO": path, "HTTP_HOST": "localhost"}
    setup_testing_defaults(environ)
    answered[path] = []
    b"".join(application(environ, lambda status, headers, path=path: answered[path].append(status)))
print(json.dumps([answered, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
#: Loads all that a worker loads before it takes work.
_WORKER = """
import json, sys
from marketplace.celery import app
app.loader.import_default_modules()
print(json.dumps([sorted(app.tasks), sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.mark.django_db(transaction=True)
def test_the_web_process_serves_pages_without_the_heavy_libraries() -> None:
    expected = {"/": "200", "/accounts/login/": "200", "/accounts/signup/": "200", "/no-such-page": "404"}
    answered, modules = _run(_WEB, *expected)
    assert {path: told[0][:3] for path, told in answered.items()} == expected
    assert "django" in modules
    assert _HEAVY & set(modules) == set()


@pytest.mark.django_db(transaction=True)
def test_a_worker_process_starts_without_the_heavy_libraries() -> None:
    tasks, modules = _run(_WORKER)
    assert "work.perform" in tasks
    assert "generation" in modules
    assert _HEAVY & set(modules) == set()


def _run(code: str, *arguments: str) -> list:  # type: ignore[type-arg]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=_ROOT,
        env=workers.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
