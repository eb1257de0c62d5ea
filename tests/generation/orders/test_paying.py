"""An order that costs money: held when it is placed, charged when it is delivered, for the quoted amount, or never."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing import holds, payments, refunds
from billing.invoicing import profiles
from billing.invoicing.profiles import Details
from billing.models import CheckoutSession, Customer, Entry, Intent, Invoice, Payment, Refund
from billing.settling import settle
from catalog import licensing
from catalog.models import Licence, Version
from generation.orders import ordering, settling
from generation.orders.models import Order
from generation.orders.models import order as order_model
from generation.runs.models import Generator, Run
from marketplace.accounts.models import Account, User
from marketplace.doctor import checks
from marketplace.work.celery_tasks import perform
from marketplace.work.models import Piece
from tests.factories import an_account
from tests.generation.made import the_dice, work_off
from tests.generation.orders.flow import draft, press
from tests.generation.orders.paid_flow import (
    Clock,
    again,
    captured,
    charges,
    come_back,
    held,
    past,
    quoted,
    to_page,
)
from tests.stripe_world import ASKS_UNLESS_SET_UP, DECLINED, INSUFFICIENT_FUNDS, StripeWorld

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket", "stripe_world", "account")]


@pytest.fixture
def clock(stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Moves time for Stripe and for us."""
    return Clock(stripe_world, monkeypatch)


def page(client: Client, order: Order) -> str:
    return client.get(f"/orders/{order.id}").content.decode()


def sweep() -> None:
    """What every ten seconds brings, and the work that follows."""
    holds.sweep()
    ordering.sweep()
    settling.sweep()
    work_off()


def faults() -> list[str]:
    return [f"{check.name}: {fault}" for check in checks() for fault in check.function()]


def test_the_price_is_held_at_the_order_and_charged_at_delivery(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    assert order.price == 400 + 125
    assert order.payment is not None
    assert (order.state, order.payment.state) == ("quoted", "held")
    assert charges(stripe_world) == [(0, 0)]
    assert "The amount is held" in page(client, order)
    perform(str(Piece.objects.get(kind=ordering.SETTLE, state="due").id))
    order = again(order)
    assert (order.state, captured(stripe_world)) == ("in_production", 0)
    assert "Held on your card until" in page(client, order)
    work_off()
    order = again(order)
    assert (order.state, charges(stripe_world)) == ("delivered", [(525, 0)])
    licence = Licence.objects.get()
    assert (licence.cause_kind, licence.cause_id) == ("order", order.id)
    assert "Charged" in page(client, order)
    assert faults() == []
    assert not Piece.objects.unfinished().exists()


def test_going_back_and_pressing_again_gives_the_same_page_and_pays_once(
    client: Client, stripe_world: StripeWorld
) -> None:
    order = quoted(client)
    first, second = to_page(client, order), to_page(client, order)
    assert first == second
    assert "Not paid yet" in page(client, order)
    stripe_world.pay(first)
    assert client.post(f"/orders/{order.id}/place")["Location"].endswith(f"/orders/{order.id}")
    order = come_back(client, order)
    assert (order.state, charges(stripe_world)) == ("delivered", [(525, 0)])
    assert Payment.objects.count() == 1


def test_a_tab_that_is_closed_after_paying_is_noticed_by_the_sweep(client: Client, stripe_world: StripeWorld) -> None:
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    Payment.objects.update(looked_at=timezone.now() - timedelta(hours=2))
    payments.sweep()
    work_off()
    assert again(order).state == "delivered"


def test_an_event_alone_finishes_an_order(client: Client, stripe_world: StripeWorld) -> None:
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    for event in reversed(stripe_world.events()):
        answer = Client().post(
            "/webhooks/stripe",
            event.body,
            content_type="application/json",
            headers={"stripe-signature": event.signature},
        )
        assert answer.status_code == 200
    work_off()
    assert again(order).state == "delivered"
    assert charges(stripe_world) == [(525, 0)]


def test_a_declined_card_leaves_the_quote_and_says_why(client: Client, stripe_world: StripeWorld) -> None:
    order = quoted(client)
    where = to_page(client, order)
    assert stripe_world.pay(where, DECLINED).alert
    order = come_back(client, order)
    assert (order.state, captured(stripe_world)) == ("quoted", 0)
    assert "Not paid yet" in page(client, order)
    assert to_page(client, order) == where
    stripe_world.pay(where)
    assert come_back(client, order).state == "delivered"


def test_a_failing_generator_leaves_nothing_charged(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    Order.objects.update(parameters={"sides": 5000})
    work_off()
    order = again(order)
    assert order.payment is not None
    assert (order.state, order.payment.state, order.compute_paid_by) == ("failed", "cancelled", "buyer")
    assert charges(stripe_world) == [(0, 0)]
    assert next(iter(stripe_world.client.v1.payment_intents.list().auto_paging_iter())).status == "canceled"
    assert not Licence.objects.exists()
    assert faults() == []


@pytest.mark.parametrize("moment", ["on the page", "held", "being made"])
def test_a_cancelled_order_leaves_nothing_charged(client: Client, stripe_world: StripeWorld, moment: str) -> None:
    order = quoted(client) if moment == "on the page" else held(client, stripe_world)
    where = to_page(client, order) if moment == "on the page" else ""
    if moment == "being made":
        perform(str(Piece.objects.get(kind=ordering.SETTLE, state="due").id))
    order = press(client, order, "cancel")
    assert order.state == "cancelled"
    assert Payment.objects.get().state == "cancelled"
    if where:
        assert stripe_world.pay(where).status == 410
    assert all(
        intent.status == "canceled" for intent in stripe_world.client.v1.payment_intents.list().auto_paging_iter()
    )
    assert not Piece.objects.unfinished().exists()
    assert faults() == []


def test_a_threshold_that_is_not_met_declines_the_order_and_says_by_how_much(
    client: Client, stripe_world: StripeWorld
) -> None:
    order = held(client, stripe_world, **{"bounds-duplicates": "1.5", "bounds-missing": "0"})
    assert "at most 1.5 %, else nothing is charged" in page(client, order)
    work_off()
    order = again(order)
    assert (order.state, order.compute_paid_by, order.computed > 0) == ("declined", "platform", True)
    assert next(iter(stripe_world.client.v1.payment_intents.list().auto_paging_iter())).status == "canceled"
    assert not Licence.objects.exists()
    said = "Duplicate rows: 98.8 %, which is 97.3 % above the 1.5 % that you allow."
    assert said in page(client, order)
    [letter] = [letter for letter in mail.outbox if "declined" in letter.subject]
    assert said in letter.body
    assert "Missing values" not in letter.body
    assert faults() == []


def test_thresholds_that_are_met_let_it_be_delivered(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world, **{"bounds-duplicates": "99", "bounds-missing": "0"})
    work_off()
    assert again(order).state == "delivered"


def test_what_was_not_measured_is_not_met(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world, **{"bounds-duplicates": "99"})
    perform(str(Piece.objects.get(kind=ordering.SETTLE, state="due").id))
    Order.objects.update(thresholds=[{"measure": "beauty", "bound": 0.5}])
    work_off()
    assert again(order).state == "declined"
    assert "not measured" in page(client, order)


def test_bounds_that_are_none_are_told_with_all_other_faults(client: Client, stripe_world: StripeWorld) -> None:
    quoted(client)
    Order.objects.all().delete()
    answer = client.post("/orders/new/house/dice", {"units": "0", "bounds-duplicates": "101", "bounds-missing": "x"})
    assert answer.status_code == 422
    for told in ("greater than or equal to 1", "less than or equal to 100", "Enter a number"):
        assert told in answer.content.decode()
    assert not Order.objects.exists()


def test_a_quote_that_lapses_while_its_page_is_open_closes_the_page(client: Client, stripe_world: StripeWorld) -> None:
    order = quoted(client)
    where = to_page(client, order)
    Order.objects.update(quoted_until=past())
    sweep()
    assert again(order).state == "expired"
    assert stripe_world.pay(where).status == 410
    assert charges(stripe_world) == []
    assert faults() == []


def test_a_quote_that_lapses_once_it_is_held_is_made_all_the_same(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    Order.objects.update(quoted_until=past())
    sweep()
    assert again(order).state == "delivered"


def test_eight_days_later_the_hold_was_renewed_and_the_capture_comes_with_the_delivery(
    client: Client, stripe_world: StripeWorld, clock: Clock
) -> None:
    order = held(client, stripe_world)
    perform(str(Piece.objects.get(kind=ordering.SETTLE, state="due").id))
    clock.forward(6.5)
    holds.sweep()
    renew_only()
    clock.forward(1.5)
    assert (again(order).state, captured(stripe_world)) == ("in_production", 0)
    work_off()
    assert again(order).state == "delivered"
    assert captured(stripe_world) == 525
    assert faults() == []


def renew_only() -> None:
    """Do what is due of billing, and leave the run where it is."""
    for piece in Piece.objects.claimable().filter(kind__startswith="billing."):
        perform(str(piece.id))


def due(client: Client, world: StripeWorld, clock: Clock) -> Order:
    """An order that is made, and whose hold ended meanwhile."""
    order = held(client, world)
    perform(str(Piece.objects.get(kind=ordering.SETTLE, state="due").id))
    clock.forward(8)
    work_off()
    order = again(order)
    assert (order.state, captured(world)) == ("payment_due", 0)
    return order


def test_a_hold_that_is_gone_makes_the_payment_due_and_paying_delivers(
    client: Client, stripe_world: StripeWorld, clock: Clock
) -> None:
    order = due(client, stripe_world, clock)
    assert not Licence.objects.exists()
    version = Version.objects.get()
    assert not licensing.may_have(order.account, version)
    [letter] = mail.outbox
    assert "waits for your payment" in letter.subject
    assert f"/orders/{order.id}" in letter.body
    assert "Pay €5.25 now" in page(client, order)
    sweep()
    stripe_world.pay(to_page(client, order))
    order = come_back(client, order)
    assert (order.state, captured(stripe_world)) == ("delivered", 525)
    assert licensing.may_have(order.account, version)
    assert faults() == []


def test_what_nobody_pays_for_in_two_weeks_lapses(client: Client, stripe_world: StripeWorld, clock: Clock) -> None:
    order = due(client, stripe_world, clock)
    where = to_page(client, order)
    clock.forward(13.9)
    sweep()
    assert again(order).state == "payment_due"
    clock.forward(0.2)
    sweep()
    order = again(order)
    assert (order.state, order.compute_paid_by) == ("lapsed", "buyer")
    assert stripe_world.pay(where).status == 410
    assert captured(stripe_world) == 0
    assert not Licence.objects.exists()
    assert "lapsed" in mail.outbox[-1].subject
    assert "Nothing was charged, and nothing is delivered." in page(client, order)
    assert faults() == []


@pytest.mark.parametrize("how", ["refunded", "called back"])
def test_nothing_is_delivered_for_money_that_went_back_before_it_was_heard_of(
    client: Client, stripe_world: StripeWorld, clock: Clock, how: str
) -> None:
    order = due(client, stripe_world, clock)
    stripe_world.pay(to_page(client, order))
    assert order.payment is not None
    payment = settle(order.payment.id)
    if how == "refunded":
        refunds.ask(payment, 525, reason=Refund.Reason.STAFF)
    else:
        opened = stripe_world.dispute(payment.intents.get(state="succeeded").charge_id)
        settle(payment.id)
        stripe_world.close_dispute(opened, won=False)
        settle(payment.id)
    work_off()
    sweep()
    order = again(order)
    assert (order.state, captured(stripe_world)) == ("lapsed", 0 if how == "refunded" else 525)
    assert not Licence.objects.exists()
    assert "The money for this order went back" in page(client, order)
    assert any("The money for it went back, and nothing is delivered." in letter.body for letter in mail.outbox)
    assert faults() == []
    assert not Piece.objects.unfinished().filter(subject=order.id).exists()


def test_what_is_delivered_while_its_charge_is_disputed_is_suspended(
    client: Client, stripe_world: StripeWorld, clock: Clock
) -> None:
    order = due(client, stripe_world, clock)
    stripe_world.pay(to_page(client, order))
    assert order.payment is not None
    payment = settle(order.payment.id)
    opened = stripe_world.dispute(payment.intents.get(state="succeeded").charge_id)
    settle(payment.id)
    work_off()
    assert (again(order).state, Licence.objects.get().state) == ("delivered", "suspended")
    stripe_world.close_dispute(opened, won=True)
    settle(payment.id)
    assert Licence.objects.get().state == "in_force"
    assert faults() == []


def test_a_payment_that_comes_after_the_order_lapsed_goes_back(
    client: Client, stripe_world: StripeWorld, clock: Clock
) -> None:
    order = due(client, stripe_world, clock)
    stripe_world.pay(to_page(client, order))
    Order.objects.update(pay_until=past())
    settling.sweep()
    assert again(order).state == "lapsed"
    work_off()
    assert captured(stripe_world) == 0
    assert Refund.objects.get().state in {"submitted", "succeeded"}
    assert not Licence.objects.exists()


def test_a_long_order_saves_the_card_and_charges_it_at_delivery(
    client: Client, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    order = quoted(client)
    assert "your card is saved when you order" in page(client, order)
    stripe_world.pay(to_page(client, order))
    assert CheckoutSession.objects.get().mode == "setup"
    client.get(f"/orders/{order.id}/paid")
    assert charges(stripe_world) == []
    assert "Your card is saved" in page(client, again(order))
    work_off()
    assert (again(order).state, charges(stripe_world)) == ("delivered", [(525, 0)])
    assert faults() == []


def test_a_card_that_is_charged_at_delivery_pays_the_tax_of_where_its_owner_is(
    client: Client, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    stripe_world.tax(8.875)
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    order = come_back(client, order)
    assert (order.state, captured(stripe_world)) == ("delivered", 525)
    payment = Payment.objects.get()
    assert (payment.tax, payment.tax_percent) == (43, Decimal("8.875"))
    assert Entry.objects.filter(book=Entry.Book.TAX).get().amount == -43
    invoice = Invoice.objects.get()
    assert (invoice.net, invoice.tax, invoice.lines[0]["rate"]) == (482, 43, 887.5)
    assert "8.875 %" in client.get(f"/invoices/{invoice.id}").content.decode()
    (made,) = stripe_world.client.v1.payment_intents.list().data
    linked = made.to_dict()["hooks"]["inputs"]["tax"]["calculation"]
    assert linked == Intent.objects.get().calculation
    calculation = stripe_world.client.v1.tax.calculations.retrieve(linked)
    assert (calculation.amount_total, calculation.tax_amount_inclusive) == (525, 43)
    assert calculation.customer_details.address and calculation.customer_details.address.country == "NL"
    assert faults() == []


def test_a_buyer_who_owes_the_tax_itself_by_then_is_charged_none_at_delivery(
    client: Client, stripe_world: StripeWorld, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    stripe_world.tax(21)
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    profile = profiles.keep(account, Details("Buyer sp. z o.o.", "ul. Prosta 1", "Łódź", "PL", tax_id="PL1234567890"))
    boss = User.objects.create_superuser("boss@example.com", "correct horse")
    profiles.confirm_tax_id(profile, profiles.registered(profile), by=boss)
    assert come_back(client, order).state == "delivered"
    payment = Payment.objects.get()
    assert (payment.captured, payment.tax, payment.tax_percent) == (525, 0, 0)
    assert Invoice.objects.get().reverse_charge


@pytest.mark.parametrize("told", ["a profile", "nothing"])
def test_a_card_whose_owner_is_nowhere_known_is_not_charged_before_they_say_where(
    client: Client, stripe_world: StripeWorld, account: Account, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    stripe_world.tax(21)
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    assert client.get(f"/orders/{order.id}/paid").status_code == 302
    customer = Customer.objects.get()
    bare = stripe_world.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.stripe_id})
    Customer.objects.update(payment_method=bare.id)
    if told == "a profile":
        profiles.keep(account, Details("Buyer GmbH", "Street 1", "Berlin", "DE"))
    work_off()
    order = again(order)
    if told == "a profile":
        assert (order.state, Payment.objects.get().tax) == ("delivered", 91)
        return
    assert (order.state, charges(stripe_world)) == ("payment_due", [])
    assert order.payment is not None
    assert "in which country you are" in order.payment.refusal
    assert "in which country you are" in mail.outbox[-1].body
    stripe_world.pay(to_page(client, order))
    assert (come_back(client, order).state, captured(stripe_world)) == ("delivered", 525)
    assert Payment.objects.get().tax == 91


def test_where_no_tax_is_worked_out_a_saved_card_is_charged_without_asking_where(
    client: Client, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.STRIPE_AUTOMATIC_TAX = False
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    stripe_world.tax(21)
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    assert come_back(client, order).state == "delivered"
    assert (Payment.objects.get().tax, Intent.objects.get().calculation) == (0, "")


def test_a_charge_whose_answer_was_lost_is_repeated_with_the_same_tax(
    client: Client, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    stripe_world.tax(21)
    order = quoted(client)
    stripe_world.pay(to_page(client, order))
    assert client.get(f"/orders/{order.id}/paid").status_code == 302
    stripe_world.fail_next(9, "effect_then_drop", operation="PostPaymentIntents")
    work_off()
    assert again(order).state == "settling"
    stripe_world.mend()
    stripe_world.tax(19)
    Piece.objects.filter(kind=ordering.SETTLE, state="due").update(due_at=past())
    work_off()
    assert (again(order).state, charges(stripe_world)) == ("delivered", [(525, 0)])
    assert (Payment.objects.get().tax, Payment.objects.get().tax_percent) == (91, 21)


def test_a_saved_card_that_is_refused_makes_the_payment_due(
    client: Client, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_model, "LONGEST_HELD", timedelta(0))
    order = quoted(client)
    stripe_world.pay(to_page(client, order), "4000000000000341")
    order = come_back(client, order)
    assert (order.state, captured(stripe_world)) == ("payment_due", 0)
    assert "saved card was not accepted" in page(client, order)
    stripe_world.pay(to_page(client, order))
    assert come_back(client, order).state == "delivered"
    assert captured(stripe_world) == 525


def test_stripe_that_gives_no_answer_at_delivery_is_asked_again(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    perform(str(Piece.objects.get(kind=ordering.SETTLE, state="due").id))
    stripe_world.fail_next(9, "error", operation="PostPaymentIntentsIntentCapture")
    work_off()
    order = again(order)
    assert (order.state, captured(stripe_world)) == ("settling", 0)
    assert "your card is being charged" in page(client, order)
    for _ in range(12):
        Piece.objects.filter(kind=ordering.SETTLE, state="due").update(due_at=past())
        work_off()
    assert (again(order).state, captured(stripe_world)) == ("delivered", 525)


@pytest.mark.parametrize("dies", ["before the capture", "after the capture"])
def test_a_worker_that_dies_around_the_capture_neither_loses_nor_repeats_it(
    client: Client, stripe_world: StripeWorld, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    order = held(client, stripe_world)
    capture = payments.capture

    def death(payment: Payment) -> Payment:
        if dies == "after the capture":
            capture(payment)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(payments, "capture", death)
        with pytest.raises(SystemExit):
            work_off()
    assert again(order).state == "settling"
    assert not Licence.objects.exists()
    Piece.objects.filter(state="leased").update(leased_until=past())
    work_off()
    assert (again(order).state, charges(stripe_world)) == ("delivered", [(525, 0)])


def test_an_order_whose_payment_moved_unseen_goes_on_with_the_sweep(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    Piece.objects.filter(kind=ordering.SETTLE).delete()
    work_off()
    assert again(order).state == "quoted"
    sweep()
    sweep()
    assert again(order).state == "delivered"


def test_a_letting_go_that_was_lost_is_found_by_the_sweep(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world)
    ordering.cancel(order)
    Piece.objects.all().delete()
    sweep()
    assert Payment.objects.get().state == "cancelled"
    assert next(iter(stripe_world.client.v1.payment_intents.list().auto_paging_iter())).status == "canceled"


def test_a_member_who_may_not_spend_cannot_agree_to_a_price(
    client: Client, stripe_world: StripeWorld, account: Account
) -> None:
    order = quoted(client)
    account.memberships.update(role="member")
    for verb in ("place", "pay"):
        assert client.post(f"/orders/{order.id}/{verb}").status_code == 403
    assert again(order).payment is None


def test_the_generator_of_a_seller_earns_its_owner_and_that_of_the_house_nobody(
    client: Client, stripe_world: StripeWorld
) -> None:
    order = held(client, stripe_world)
    assert order.payment is not None
    assert order.payment.seller is None
    assert order.payment.description == f"Order {order.short}: Throws of a die, 500 rows"
    other, seller = quoted(client), an_account("acme")
    Generator.objects.update(account=seller)
    to_page(client, other)
    payment = again(other).payment
    assert payment is not None
    assert (payment.seller, payment.amount, payment.cause.id) == (seller, 525, other.id)


def test_a_free_order_asks_stripe_nothing(client: Client, stripe_world: StripeWorld) -> None:
    the_dice()
    order = press(client, draft(client, "dice", units="500"), "place")
    assert order.state == "delivered"
    assert "nothing to pay" in page(client, order)
    assert order.payment is None
    assert list(stripe_world.client.v1.customers.list().auto_paging_iter()) == []
    assert Run.objects.count() == 1


def test_cards_that_want_the_person_later_are_asked_on_the_page(client: Client, stripe_world: StripeWorld) -> None:
    order = held(client, stripe_world, card=ASKS_UNLESS_SET_UP)
    work_off()
    assert again(order).state == "delivered"
    other = quoted(client)
    assert stripe_world.pay(to_page(client, other), INSUFFICIENT_FUNDS).alert
    assert come_back(client, other).state == "quoted"
