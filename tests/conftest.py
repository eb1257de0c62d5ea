"""Fixtures that tests of every part use."""

from __future__ import annotations

import hypothesis
import pytest
from django.core import management
from django.core.cache import cache
from pytest_django import Settings

# How long an example takes says nothing about the code: machines are busy.
hypothesis.settings.register_profile("lookalike", deadline=None)
hypothesis.settings.load_profile("lookalike")


@pytest.fixture(scope="session")
def detector() -> None:
    """Watches for queries in a loop."""
    from zeal.constants import initialize_app_registry
    from zeal.patch import patch

    initialize_app_registry()
    patch()


@pytest.fixture(autouse=True)
def no_query_in_a_loop(detector: None, settings: Settings) -> None:
    """A request whose queries grow with what it shows (N+1) fails its test."""
    # Twice is no loop yet: signing in reads the user twice.
    settings.ZEAL_NPLUSONE_THRESHOLD = 3
    settings.MIDDLEWARE = ["zeal.middleware.zeal_middleware", *settings.MIDDLEWARE]


@pytest.fixture(autouse=True)
def passwords_hashed_once(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["tests.hashing.OneRound"]


@pytest.fixture(autouse=True)
def no_attempts_yet() -> None:
    """Limits on attempts stay on; each test begins with none used up, and with no page kept from another."""
    cache.clear()


@pytest.fixture(scope="session", autouse=True)
def emptied_by_deleting() -> None:
    """What empties the database between tests deletes the few rows that there are."""
    from tests.emptying import Command

    management.get_commands()["flush"] = Command()


@pytest.fixture(scope="session")
def s3_bucket(django_db_blocker: object) -> str:
    """The bucket of this test process, there to be used."""
    from django.conf import settings

    from marketplace import storage

    storage.ensure_bucket()
    return str(settings.S3_BUCKET)
