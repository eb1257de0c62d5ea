"""The ground that deployments stand on, laid once: what the image holds, and what its role ``migrate`` makes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.deploy import production
from tests.deploy.production import Broker, Databases, Deployment, Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Static files gathered as at build, and an empty database and bucket made ready by the role ``migrate``."""
    folder = tmp_path_factory.mktemp("deploy")
    databases, broker = Databases(), Broker()
    try:
        template = databases.create()
        environment = production.settings(folder) | {"DATABASE_URL": databases.url(template), "REDIS_URL": broker.url}
        building = {"PATH": environment["PATH"], "STATIC_ROOT": str(folder / "static"), "LOOKALIKE_VAR": str(folder)}
        with ThreadPoolExecutor() as both:
            build = both.submit(production.run, building, "static")
            migrated = production.run(environment, "migrate")
        assert build.result().returncode == 0, build.result().stdout
        assert migrated.returncode == 0, migrated.stdout
        yield Ground(environment, template, migrated.stdout, databases, broker)
    finally:
        databases.drop()
        broker.drop()


@pytest.fixture
def deployment(ground: Ground, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment of this test's own."""
    made = ground.deployment(tmp_path)
    try:
        yield made
    finally:
        made.stop()
