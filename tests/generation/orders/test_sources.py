"""An upload stays as long as something is made from it, and no death in between leaves it where no sweep looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client

from generation.orders import ordering
from generation.orders.models import Order
from generation.runs import sources
from generation.runs.models import Source, SourceFile
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.generation.made import work_off
from tests.generation.orders.flow import draft, press, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PEOPLE = b"age,city\n" + b"".join(b"%d,%s\n" % (20 + n % 50, (b"Ulm", b"Bonn")[n % 2]) for n in range(400))


def is_stored(key: str) -> bool:
    try:
        storage.read(key)
    except storage.ObjectMissing:
        return False
    return True


def test_drafts_and_quotes_on_the_same_upload_do_not_keep_it(client: Client, account: Account) -> None:
    source = upload(client, PEOPLE)
    refused = draft(client, "tabular", source=source, units="1", test_share="20")
    quoted = draft(client, "tabular", source=source, units="500")
    assert (refused.state, quoted.state) == ("draft", "quoted")
    press(client, draft(client, "tabular", source=source, units="500"), "place")
    source.refresh_from_db()
    assert source.state == "gone"


def test_an_order_on_an_upload_that_is_gone_is_refused_with_the_reason(client: Client, account: Account) -> None:
    source = upload(client, PEOPLE)
    quoted = draft(client, "tabular", source=source, units="500")
    press(client, draft(client, "tabular", source=source, units="500"), "cancel")
    answer = client.post(f"/orders/{quoted.id}/place", follow=True)
    assert "The uploaded file is deleted. Upload it again" in answer.content.decode()
    quoted.refresh_from_db()
    assert (quoted.state, quoted.run) == ("quoted", None)
    late = ordering.draft(
        account, quoted.generator, parameters={}, units=500, splits=quoted.splits, source=Source.objects.get()
    )
    work_off()
    late.refresh_from_db()
    assert [problem["message"] for problem in late.problems] == ["The uploaded file is deleted."]


def test_an_upload_that_is_being_made_from_outlives_the_end_of_another_order(client: Client, account: Account) -> None:
    source = upload(client, PEOPLE)
    making, ending = (draft(client, "tabular", source=source, units="500") for _ in range(2))
    ordering.place(making)
    ordering.cancel(ending)
    perform(str(Piece.objects.get(kind=ordering.FORGET_SOURCE).id))
    source.refresh_from_db()
    assert source.state == "understood"
    work_off()
    assert Order.objects.get(id=making.id).state == "delivered"
    source.refresh_from_db()
    assert source.state == "gone"


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
