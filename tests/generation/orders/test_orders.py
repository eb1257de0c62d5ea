"""An order at price 0: upload, quote, probe, progress, delivery; cancel, retry, failure with its owner."""

from __future__ import annotations

import csv
import io
import random
import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client

from catalog import licensing, terms
from catalog.models import Dataset, Licence, Version
from generation.orders import ordering, settling, states
from generation.orders.models import Order
from generation.runs import sources
from generation.runs.models import Run, Source, SourceFile
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.doctor import checks
from marketplace.work.models import Piece
from tests.factories import a_person
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft, press, upload
from tests.web.browser import sent_by

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def people(rows: int = 600) -> bytes:
    chance = random.Random(7)
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["age", "city", "salary", "member"])
    for _ in range(rows):
        writer.writerow(
            [chance.randint(18, 80), chance.choice(["Ulm", "Bonn", "Kiel"]), f"{chance.lognormvariate(8, 0.4):.2f}",
             chance.choice(["true", "false"])]
        )  # fmt: skip
    return target.getvalue().encode()


def test_an_order_without_upload_is_quoted_probed_made_and_delivered(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="5000", **{"settings.sides": "12"})
    assert order.state == "quoted"
    assert order.quote["unit"] == "row"
    assert order.probe is not None
    assert order.probe.preview is not None
    assert len(order.probe.preview["tables"][0]["rows"]) == 100
    page = client.get(f"/orders/{order.id}").content.decode()
    assert "Order for €0.00" in page
    order = press(client, order, "place")
    assert order.state == "delivered"
    version = Version.objects.get(run=order.run_id)
    assert version.rows == 5000
    licence = licensing.licence_for(account, version)
    assert licence is not None
    assert (licence.cause_kind, licence.cause_id) == ("order", order.id)
    assert "Delivered" in client.get(f"/orders/{order.id}").content.decode()
    assert "5,000" in client.get("/library").content.decode()
    assert [fault for check in checks() for fault in check.function()] == []


def test_a_real_upload_comes_back_as_a_synthetic_table_of_the_same_shape(client: Client, account: Account) -> None:
    source = upload(client, people())
    assert source.state == "understood"
    order = press(client, draft(client, "tabular", source=source, units="2000"), "place")
    assert order.state == "delivered"
    version = Version.objects.get(run=order.run_id)
    assert version.rows == 2000
    columns = [(c["name"], c["type"]) for c in version.layout["tables"][0]["schema"]]
    assert columns == [("age", "int64"), ("city", "string"), ("salary", "double"), ("member", "bool")]
    assert version.recipe["source"]["kind"] == "full"
    assert version.recipe["source"]["commitment"].startswith("sha256:")


def test_the_column_that_identifies_people_is_named_once(client: Client, account: Account) -> None:
    source = upload(client, people(), identifier="city")
    form = sent_by(client.get(f"/orders/new/house/tabular?source={source.id}").content.decode())
    assert form["settings.identifier"] == "city"


def test_a_probe_shows_no_statistics_since_none_were_counted(client: Client, account: Account) -> None:
    the_dice()
    page = client.get(f"/orders/{draft(client, 'dice', units='5000').id}").content.decode()
    assert "Dictionary of 2 columns" in page
    assert "median" not in page and "of all rows" not in page


def test_the_upload_is_gone_once_its_order_is_delivered(client: Client, account: Account) -> None:
    source = upload(client, people())
    keys = [source.key, *SourceFile.objects.filter(source=source).values_list("key", flat=True)]
    assert len(keys) > 1
    press(client, draft(client, "tabular", source=source, units="500"), "place")
    source.refresh_from_db()
    assert source.state == "gone"
    for key in keys:
        with pytest.raises(storage.ObjectMissing):
            storage.read(key)


def test_the_licence_has_the_terms_that_were_agreed_to(
    client: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    agreed = terms.STANDARD[terms.Kind.ORDERED].wording.text
    assert agreed in client.get(f"/orders/{order.id}").content.decode()
    ordering.place(order)
    later = terms.Standard(2, terms.Wording("Made to order", "Other terms of a later day.", frozenset()))
    monkeypatch.setattr(terms, "STANDARD", {**terms.STANDARD, terms.Kind.ORDERED: later})
    work_off()
    assert Licence.objects.get(cause_id=order.id).terms.text == agreed
    assert agreed in client.get(f"/orders/{order.id}").content.decode()


def test_a_dataset_made_to_order_is_private_and_unlisted(client: Client, account: Account) -> None:
    the_dice()
    press(client, draft(client, "dice", units="500"), "place")
    dataset = Dataset.objects.get(account=account)
    assert not hasattr(dataset, "listing")
    stranger = Client()
    stranger.force_login(a_person("bob")[0])
    assert stranger.get(f"/datasets/ann/{dataset.name}").status_code == 404


def test_another_account_sees_neither_order_nor_upload(client: Client, account: Account) -> None:
    source = upload(client, people())
    order = draft(client, "tabular", source=source, units="500")
    stranger = Client()
    stranger.force_login(a_person("bob")[0])
    for address in (f"/orders/{order.id}", f"/orders/{order.id}/state", f"/orders/sources/{source.id}"):
        assert stranger.get(address).status_code == 404
    for verb in ("place", "cancel", "again"):
        assert stranger.post(f"/orders/{order.id}/{verb}").status_code == 404
    assert stranger.get(f"/orders/new/house/tabular?source={source.id}").status_code == 404


def test_bad_settings_are_all_told_at_once_and_change_nothing(client: Client, account: Account) -> None:
    the_dice()
    answer = client.post("/orders/new/house/dice", {"units": "0", "test_share": "99", "settings.sides": "1000"})
    page = answer.content.decode()
    assert answer.status_code == 422
    for told in ("greater than or equal to 1", "less than or equal to 50", "1,000 is over the limit of 100"):
        assert told in page
    assert not Order.objects.exists()


def test_more_than_a_worker_may_give_is_refused_with_the_reason(
    client: Client, account: Account, settings: pytest.FixtureRequest
) -> None:
    the_dice()
    settings.RUN_MAX_SECONDS = 1  # type: ignore[attr-defined]
    order = draft(client, "dice", units="90000000")
    assert order.state == "draft"
    assert "the limit is" in order.problems[0]["message"]
    assert "Nothing was ordered" in client.get(f"/orders/{order.id}").content.decode()


def test_a_cancelled_order_makes_nothing_and_can_be_made_again(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="5000")
    ordering.place(order)
    order = press(client, order, "cancel")
    assert order.state == "cancelled"
    assert Run.objects.get().state == "cancelled"
    assert not Version.objects.exists()
    retried = press(client, order, "again")
    assert retried.again == order
    assert (retried.state, retried.parameters) == ("quoted", order.parameters)


def test_an_order_cannot_be_placed_or_cancelled_twice(client: Client, account: Account) -> None:
    the_dice()
    order = press(client, draft(client, "dice", units="500"), "place")
    for verb in (ordering.place, ordering.cancel):
        with pytest.raises(states.OrderMoved, match="can no longer"):
            verb(order)
    assert Version.objects.count() == 1


def test_an_order_whose_run_becomes_ready_while_it_is_cancelled_stays_and_is_delivered(
    client: Client, account: Account
) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    said: list[str] = []

    def cancel() -> None:
        try:
            ordering.cancel(order)
        except states.OrderMoved as error:
            said.append(str(error))
        finally:
            connection.close()

    canceller = threading.Thread(target=cancel)
    with transaction.atomic():
        Run.objects.select_for_update(no_key=True).get(id=order.run_id)
        canceller.start()
        while not _somebody_waits_for_a_lock():
            time.sleep(0.02)
        Run.objects.filter(id=order.run_id).update(state=Run.State.READY, ended_at=Now())
    canceller.join()
    assert said and "about to be delivered" in said[0]
    assert Order.objects.get(id=order.id).state == "in_production"


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_generator_that_fails_fails_the_order_with_its_owner_named(client: Client, account: Account) -> None:
    generator = the_dice()
    order = draft(client, "dice", units="500")
    Order.objects.filter(id=order.id).update(parameters={"sides": 5000})
    order = press(client, Order.objects.get(id=order.id), "place")
    assert (order.state, order.fault_owner) == ("failed", "buyer")
    assert "This order failed. Nothing was charged." in client.get(f"/orders/{order.id}").content.decode()
    assert generator.runs.get().state == "failed"


def test_a_quote_that_ran_out_is_not_agreed_to(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    Order.objects.filter(id=order.id).update(quoted_until=Now() - timedelta(seconds=1))
    order = press(client, order, "place")
    assert order.state == "expired"
    assert not Run.objects.exists()


def test_an_order_whose_run_ended_unseen_is_settled_by_the_sweep(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    ordering.place(order)
    Piece.objects.filter(kind=ordering.SETTLE).delete()
    work_off()
    order.refresh_from_db()
    assert order.state == "in_production"
    settling.sweep()
    work_off()
    order.refresh_from_db()
    assert order.state == "delivered"


def test_a_settlement_that_was_not_released_is_released_by_the_sweep_and_leaves_nothing_waiting(
    client: Client, account: Account
) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    Piece.objects.filter(kind=ordering.SETTLE).update(after=uuid4())
    work_off()
    Piece.objects.filter(kind=ordering.SETTLE).update(after=order.run_id)
    settling.sweep()
    work_off()
    order.refresh_from_db()
    assert order.state == "delivered"
    assert not Piece.objects.unfinished().exists()


def test_an_upload_that_nobody_orders_with_is_gone_after_a_week(client: Client, account: Account) -> None:
    source = upload(client, people())
    sources.delete_stale()
    source.refresh_from_db()
    assert source.state == "understood"
    Source.objects.filter(id=source.id).update(uploaded_at=Now() - timedelta(days=8))
    sources.delete_stale()
    source.refresh_from_db()
    assert source.state == "gone"
    assert not SourceFile.objects.exists()


def test_an_upload_over_the_limit_is_refused_on_the_form(
    client: Client, account: Account, settings: pytest.FixtureRequest
) -> None:
    upload(client, people())
    Source.objects.all().delete()
    settings.SOURCE_MAX_BYTES = 1000  # type: ignore[attr-defined]
    answer = client.post("/orders/new/house/tabular/upload", {"file": SimpleUploadedFile("a.csv", people())})
    assert answer.status_code == 422
    assert "the limit is 1,000 bytes" in answer.content.decode()
    assert not Source.objects.exists()


@pytest.mark.parametrize("address", ["/orders", "/orders/new/house/dice", "/library"])
def test_pages_of_an_account_ask_a_stranger_to_sign_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]
