"""What a run hands over to the catalogue: stored before anything is locked, with the version of its code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from catalog.models import Version
from generation.runs import replays
from marketplace.storage.client import client
from tests.generation.made import a_run, the_dice, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def asked() -> Iterator[list[tuple[str, bool]]]:
    """Every request to the object store while the test runs, and whether a transaction was open then."""
    requests: list[tuple[str, bool]] = []

    def note(request: Any, **_: Any) -> None:
        requests.append((f"{request.method} {request.url}", connection.in_atomic_block))

    events = client().meta.events
    events.register("before-send.s3", note)
    yield requests
    events.unregister("before-send.s3", note)


def test_no_transaction_waits_for_the_object_store_while_a_version_is_published_and_replayed(
    asked: list[tuple[str, bool]],
) -> None:
    run = a_run(the_dice(), units=100)
    work_off()
    version = Version.objects.get(run=run.id)
    replays.replay(version)
    assert any(request.startswith("PUT") for request, _ in asked)
    assert [request for request, locked in asked if locked] == []
    documents = dict(version.attachments.values_list("kind", "code_version"))
    assert documents == {"statistics": "2", "attestation": "1", "preview": "1", "replay": "1"}
