"""No upload of an earlier test lies in the object store."""

from __future__ import annotations

import pytest

from marketplace import storage
from tests.generation.runs.drift.made import kept


@pytest.fixture(autouse=True)
def nothing_kept_before(s3_bucket: str) -> None:
    for key in kept():
        storage.delete_private(key)
