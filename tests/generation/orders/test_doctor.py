"""The doctor finds what is not as orders promise; each test breaks one thing in the database and looks who tells."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.test import Client

from billing.models import Payment
from catalog import terms
from catalog.models import Licence
from generation.orders import ordering, quoting
from generation.orders.models import Order
from generation.runs.models import Run, Source
from marketplace.accounts.models import Account
from marketplace.doctor import checks
from marketplace.work.models import Piece
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft, press, upload
from tests.generation.orders.paid_flow import again, held
from tests.generation.orders.test_sources import PEOPLE
from tests.stripe_world import StripeWorld

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

LONG_AGO = Now() - timedelta(hours=1)


def found() -> set[tuple[str, str]]:
    """(name of the check, subject) of every fault that orders find."""
    return {
        (check.function.__name__, fault.subject)
        for check in checks()
        if check.name.startswith("generation.orders.")
        for fault in check.function()
    }


def delivered(client: Client) -> Order:
    the_dice()
    return press(client, draft(client, "dice", units="500"), "place")


def test_an_order_that_went_well_is_in_order(client: Client, account: Account) -> None:
    delivered(client)
    assert found() == set()


def test_a_licence_whose_order_made_another_version_is_found(client: Client, account: Account) -> None:
    first, second = delivered(client), delivered(client)
    licence = Licence.objects.get(cause_id=first.id)
    Licence.objects.filter(id=licence.id).update(cause_id=second.id)
    assert ("ordered_licences_have_their_order", f"licence {licence.id}") in found()


def test_a_delivery_without_a_licence_or_under_other_terms_is_found(client: Client, account: Account) -> None:
    first, second = delivered(client), delivered(client)
    Licence.objects.filter(cause_id=first.id).update(terms=terms.standard(terms.Kind.RESEARCH))
    Licence.objects.filter(cause_id=second.id).update(cause_id=uuid4())
    assert found() >= {("delivered_orders_have_their_licence", f"order {order.id}") for order in (first, second)}


def test_a_draft_that_nobody_quotes_is_found(client: Client, account: Account) -> None:
    order = ordering.draft(account, the_dice(), parameters={}, units=5, splits=[], source=None)
    Order.objects.update(created_at=LONG_AGO)
    assert found() == set()
    Piece.objects.filter(kind=quoting.QUOTE).delete()
    assert found() == {("drafts_are_quoted", f"order {order.id}")}


def test_a_quote_that_no_sweep_ends_is_found(client: Client, account: Account) -> None:
    the_dice()
    order = draft(client, "dice", units="500")
    Order.objects.update(quoted_until=LONG_AGO)
    assert found() == {("quotes_end_in_time", f"order {order.id}")}
    ordering.sweep()
    assert found() == set()


def test_an_order_that_nothing_settles_is_found(client: Client, account: Account) -> None:
    the_dice()
    order = ordering.place(draft(client, "dice", units="500"))
    assert found() == set()
    Piece.objects.filter(kind=ordering.SETTLE).delete()
    assert found() == {("orders_follow_their_run", f"order {order.id}")}
    work_off()
    assert Run.objects.get().state == "ready"
    Run.objects.update(ended_at=LONG_AGO)
    assert found() == {("orders_follow_their_run", f"order {order.id}")}


def test_work_that_waits_for_a_run_that_has_ended_is_found(client: Client, account: Account) -> None:
    order = delivered(client)
    Run.objects.update(ended_at=LONG_AGO)
    piece = Piece.objects.create(kind=ordering.SETTLE, subject=order.id, after=order.run_id, state="waiting")
    assert found() == {("nothing_of_orders_waits_for_what_ended", f"piece {piece.id}")}


def test_an_upload_that_outlives_its_order_is_found(client: Client, account: Account) -> None:
    source = upload(client, PEOPLE)
    press(client, draft(client, "tabular", source=source, units="500"), "cancel")
    Order.objects.update(ended_at=LONG_AGO)
    assert found() == set()
    Source.objects.update(state="understood")
    assert found() == {("uploads_go_with_their_order", f"source {source.id}")}


def paid(client: Client, stripe_world: StripeWorld) -> Order:
    """An order that was held for, made and charged."""
    order = held(client, stripe_world)
    work_off()
    return again(order)


def test_an_order_that_was_paid_and_delivered_is_in_order(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    assert paid(client, stripe_world).state == "delivered"
    Payment.objects.update(paid_at=LONG_AGO, looked_at=LONG_AGO)
    assert found() == set()


def test_a_charge_without_delivery_is_found(client: Client, account: Account, stripe_world: StripeWorld) -> None:
    order = paid(client, stripe_world)
    Payment.objects.update(paid_at=LONG_AGO)
    Order.objects.update(state="settling")
    assert ("nothing_is_charged_without_delivery", f"order {order.id}") in found()


def test_a_delivery_that_was_not_charged_as_quoted_is_found(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    order = paid(client, stripe_world)
    Order.objects.update(price=order.price + 1)
    assert found() == {("deliveries_are_paid_for", f"order {order.id}")}


def test_a_hold_that_outlives_its_order_is_found(client: Client, account: Account, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    ordering.cancel(order)
    Order.objects.update(ended_at=LONG_AGO)
    assert found() == {("holds_end_with_their_order", f"order {order.id}")}


def test_an_order_that_does_not_follow_its_payment_is_found(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    order = held(client, stripe_world)
    assert found() == set()
    Payment.objects.update(looked_at=LONG_AGO)
    assert found() == {("orders_follow_their_payment", f"order {order.id}")}


def test_an_order_whose_charge_stripe_refuses_again_and_again_is_found(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    order = paid(client, stripe_world)
    Order.objects.update(state="settling", settling_at=LONG_AGO)
    assert ("orders_follow_their_payment", f"order {order.id}") in found()


def test_an_unpaid_order_that_no_sweep_ends_is_found(
    client: Client, account: Account, stripe_world: StripeWorld
) -> None:
    order = paid(client, stripe_world)
    Payment.objects.update(state="open")
    Order.objects.update(state="payment_due", pay_until=LONG_AGO)
    assert ("orders_follow_their_payment", f"order {order.id}") in found()
