"""No death in between leaves an upload where no sweep looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client

from generation.runs import sources
from generation.runs.models import Source, SourceFile
from marketplace import storage
from marketplace.accounts.models import Account
from tests.generation.orders.flow import upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PEOPLE = b"age,city\n" + b"".join(b"%d,%s\n" % (20 + n % 50, (b"Ulm", b"Bonn")[n % 2]) for n in range(400))


def is_stored(key: str) -> bool:
    try:
        storage.read(key)
    except storage.ObjectMissing:
        return False
    return True


@pytest.mark.parametrize("dies", ["while it is stored", "once it is stored"])
def test_an_upload_whose_request_died_is_found_and_deleted(
    account: Account, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    sent = SimpleUploadedFile("people.csv", PEOPLE)

    def death(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(*((sent, "chunks") if dies == "while it is stored" else (sources.queue, "enqueue")), death)
        with pytest.raises(SystemExit):
            sources.receive(account, sent)
    source = Source.objects.get()
    assert source.state == "receiving"
    assert is_stored(source.key) == (dies == "once it is stored")
    key = source.key
    sources.delete_stale()
    assert Source.objects.get().state == "receiving", "it may still be on its way"
    Source.objects.update(uploaded_at=Now() - timedelta(hours=2))
    sources.delete_stale()
    assert Source.objects.get().state == "gone"
    assert not is_stored(key)


def test_a_deletion_that_died_half_way_is_finished(client: Client, account: Account) -> None:
    source = upload(client, PEOPLE)
    keys = list(SourceFile.objects.values_list("key", flat=True))
    assert all(is_stored(key) for key in keys)
    Source.objects.update(state="gone")
    sources.delete_stale()
    assert not any(is_stored(key) for key in [*keys, source.key])
    assert not SourceFile.objects.exists()
    assert Source.objects.get().key == ""
