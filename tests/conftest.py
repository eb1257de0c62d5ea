"""Fixtures that tests of every part use."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def s3_bucket(django_db_blocker: object) -> str:
    """The bucket of this test process, there to be used."""
    from django.conf import settings

    from marketplace import storage

    storage.ensure_bucket()
    return str(settings.S3_BUCKET)
