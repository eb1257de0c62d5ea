"""Buying a licence: on Stripe's page, whatever comes first, the buyer, the event or the sweep, and however often."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from uuid_utils.compat import uuid7

from billing import events, payments, purchases, refunds
from billing.books import ledger
from billing.books.ledger import Book
from billing.invoicing import documents
from billing.models import Dispute, Event, Intent, Invoice, Payment, Purchase, Refund
from billing.payments import PaymentMoved
from billing.purchases import NotReturnable
from billing.settling import settle
from catalog import extent, licensing, offers, publishing, withdrawing
from catalog.models import Licence, Offer, Reading
from catalog.rows import access
from marketplace.accounts.models import Account, User
from marketplace.doctor import checks
from marketplace.web.problems import Problem
from marketplace.work.faults import PlatformFault
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account
from tests.stripe_world import ASKS_ALWAYS, DECLINED, REFUND_FAILS, REFUND_PENDING, SignedEvent, StripeWorld
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

PRICE = 12_100


@pytest.fixture
def offer() -> Offer:
    dataset = a_dataset(an_account("seller"))
    a_version(dataset)
    offered = a_listing(dataset, price=PRICE)
    publishing.put_on_shelf(offered.listing)
    return offered


@pytest.fixture
def buyer() -> tuple[User, Account]:
    return a_person("buyer")


def begun(buyer: tuple[User, Account], offer: Offer) -> tuple[Purchase, str]:
    """A purchase with its page open; returns the page's address."""
    purchase = purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())
    return purchase, purchases.pay(purchase)


def told(news: list[SignedEvent]) -> None:
    """Post events to our endpoint as Stripe does, then do the work that they make."""
    for event in news:
        answer = Client().post(
            "/webhooks/stripe", event.body, content_type="application/json", HTTP_STRIPE_SIGNATURE=event.signature
        )
        assert answer.status_code == 200
    work_off()


def posted(body: str) -> HttpResponse:
    """Post a text to our endpoint that Stripe signed."""
    at = int(time.time())
    secret = settings.STRIPE_WEBHOOK_SECRETS[0].encode()
    signature = hmac.new(secret, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    answer: HttpResponse = Client().post(
        "/webhooks/stripe", body, content_type="application/json", HTTP_STRIPE_SIGNATURE=f"t={at},v1={signature}"
    )
    return answer


def bought(buyer: tuple[User, Account], offer: Offer, world: StripeWorld, card: str = "4242424242424242") -> Purchase:
    purchase, page = begun(buyer, offer)
    assert world.pay(page, card).location
    settle(purchase.payment_id)
    purchase.refresh_from_db()
    return purchase


def well() -> list[str]:
    """What the doctor says about money."""
    of_money = [check for check in checks() if check.name.startswith("billing.")]
    assert len(of_money) > 5
    return [f"{fault.subject}: {fault.message}" for check in of_money for fault in check.function()]


def by_return(world: StripeWorld, purchase: Purchase, client: Client) -> None:
    assert client.get(reverse("billing:purchase", args=[purchase.id]), {"back": "paid"}).status_code == 200


def by_event(world: StripeWorld, purchase: Purchase, client: Client) -> None:
    told(world.events())


def by_sweep(world: StripeWorld, purchase: Purchase, client: Client) -> None:
    Payment.objects.update(looked_at="2020-01-01T00:00Z")
    payments.sweep()
    work_off()


def by_events_then_return(world: StripeWorld, purchase: Purchase, client: Client) -> None:
    by_event(world, purchase, client)
    by_return(world, purchase, client)


def by_return_then_events_twice_and_backwards(world: StripeWorld, purchase: Purchase, client: Client) -> None:
    by_return(world, purchase, client)
    news = world.events()
    told(news[::-1])
    told(news)


@pytest.mark.parametrize(
    "finish", [by_return, by_event, by_sweep, by_events_then_return, by_return_then_events_twice_and_backwards]
)
def test_whoever_finishes_a_purchase_there_is_one_licence_one_charge_and_one_posting(
    finish: Callable[[StripeWorld, Purchase, Client], None],
    offer: Offer,
    buyer: tuple[User, Account],
    stripe_world: StripeWorld,
) -> None:
    stripe_world.tax(21)
    purchase, page = begun(buyer, offer)
    assert stripe_world.pay(page).location
    assert not licensing.may_have(buyer[1], purchase.version)
    client = Client()
    client.force_login(buyer[0])
    finish(stripe_world, purchase, client)
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.FULFILLED
    assert licensing.may_have(buyer[1], purchase.version)
    licence = Licence.objects.get(cause_kind=Licence.Cause.PURCHASE, cause_id=purchase.id)
    assert licence.terms == offer.terms
    charges = list(stripe_world.client.v1.charges.list().auto_paging_iter())
    assert [charge.amount for charge in charges] == [PRICE]
    payment = Payment.objects.get()
    assert (payment.state, payment.captured, payment.tax) == (Payment.State.PAID, PRICE, 2_100)
    net = sum(moved.net for moved in list(stripe_world.client.v1.balance_transactions.list().auto_paging_iter()))
    assert ledger.trial_balance() == {
        **dict.fromkeys(Book.values, 0),
        "stripe_clearing": net,
        "stripe_fees": PRICE - net,
        "tax": -2_100,
        "platform_revenue": -1_500,
        "seller": -8_500,
    }
    assert well() == []


def test_a_declined_card_leaves_nothing_and_says_why(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    assert "declined" in (stripe_world.pay(page, DECLINED).alert or "")
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.AWAITING_PAYMENT
    assert not Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE).exists()
    assert "declined" in Payment.objects.get().refusal
    # The page is still open, and another card pays there.
    assert purchases.pay(purchase) == page
    stripe_world.pay(page)
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.FULFILLED
    assert Payment.objects.get().refusal == ""


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_bank_that_asks_the_person_is_answered_on_its_page(
    confirmed: bool, offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    stripe_world.pay(page, ASKS_ALWAYS, confirm=confirmed)
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert (purchase.state == Purchase.State.FULFILLED) == confirmed
    assert licensing.may_have(buyer[1], purchase.version) == confirmed


def test_a_second_click_is_the_same_purchase_on_the_same_page(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    other, same = begun(buyer, offer)
    assert (other, same) == (purchase, page)


def test_what_is_held_already_is_not_sold_again(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    bought(buyer, offer, stripe_world)
    with pytest.raises(purchases.HeldAlready, match="library"):
        purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())


def test_a_purchase_given_up_cannot_be_paid_any_more(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    purchases.give_up(purchase)
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.CANCELLED
    assert stripe_world.pay(page).location is None
    assert list(stripe_world.client.v1.charges.list().auto_paging_iter()) == []


def test_a_page_that_ran_out_ends_the_purchase_and_the_buyer_may_begin_anew(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    stripe_world.client.v1.checkout.sessions.expire(str(purchase.payment.sessions.get().stripe_id))
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.EXPIRED
    other, another_page = begun(buyer, offer)
    assert other.id != purchase.id and another_page != page


def test_money_that_comes_for_a_purchase_given_up_goes_back(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    stripe_world.pay(page)
    # Given up by a process that did not hear of the payment.
    Payment.objects.filter(id=purchase.payment_id).update(state=Payment.State.CANCELLED)
    told(stripe_world.events())
    work_off()
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.CANCELLED
    refund = Refund.objects.get()
    assert (refund.reason, refund.state, refund.amount) == (Refund.Reason.SURPLUS, Refund.State.SUCCEEDED, PRICE)
    assert not Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE).exists()
    assert ledger.balance(Book.UNAPPLIED) == 0
    assert well() == []


def test_a_refund_takes_the_licence_and_returns_every_part_to_the_cent(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    stripe_world.tax(21)
    purchase = bought(buyer, offer, stripe_world)
    refunds.ask(purchase.payment, 3_333, reason=Refund.Reason.STAFF)
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.PARTIALLY_REFUNDED
    assert licensing.may_have(buyer[1], purchase.version)
    refunds.ask(purchase.payment, PRICE - 3_333, reason=Refund.Reason.STAFF)
    assert not licensing.may_have(buyer[1], purchase.version)
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.REFUNDED
    assert Licence.objects.get(cause_id=purchase.id).state == Licence.State.REVOKED
    books = ledger.trial_balance()
    assert (books["tax"], books["platform_revenue"], books["seller"]) == (0, 0, 0)
    assert well() == []


def test_more_than_was_paid_is_never_given_back(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    refunds.ask(purchase.payment, PRICE - 1, reason=Refund.Reason.STAFF)
    with pytest.raises(refunds.TooMuch, match="1 of EUR"):
        refunds.ask(purchase.payment, 2, reason=Refund.Reason.STAFF)
    work_off()
    assert Payment.objects.get().refunded == PRICE - 1


def test_a_refund_on_its_way_suspends_the_licence(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world, REFUND_PENDING)
    refunds.ask(purchase.payment, PRICE, reason=Refund.Reason.STAFF)
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.REFUNDING
    assert Licence.objects.get(cause_id=purchase.id).state == Licence.State.SUSPENDED


def test_a_refund_that_stripe_refuses_brings_the_licence_back(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    # A cent went back at Stripe itself, which we have not heard of: so all of it is more than there is.
    stripe_world.client.v1.refunds.create({"payment_intent": str(Intent.objects.get().stripe_id), "amount": 1})
    refunds.ask(purchase.payment, PRICE, reason=Refund.Reason.STAFF)
    assert not licensing.may_have(buyer[1], purchase.version)
    work_off()
    refused = Refund.objects.get(reason=Refund.Reason.STAFF)
    assert refused.state == Refund.State.FAILED and refused.fault_message
    assert Licence.objects.get(cause_id=purchase.id).state == Licence.State.IN_FORCE
    assert licensing.may_have(buyer[1], purchase.version)
    assert Payment.objects.get().refunded == 1


def test_a_refund_that_comes_back_to_us_is_in_the_books_and_the_licence_stays_revoked(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world, REFUND_FAILS)
    refunds.ask(purchase.payment, PRICE, reason=Refund.Reason.STAFF)
    work_off()
    assert Licence.objects.get(cause_id=purchase.id).state == Licence.State.REVOKED
    stripe_world.clock_forward(timedelta(days=20))
    told(stripe_world.events())
    assert Refund.objects.get().state == Refund.State.FAILED
    assert Licence.objects.get(cause_id=purchase.id).state == Licence.State.REVOKED
    assert Payment.objects.get().refunded == 0
    moved = stripe_world.client.v1.balance_transactions.list().auto_paging_iter()
    assert ledger.balance(Book.STRIPE_CLEARING) == sum(one.net for one in moved)


def test_a_refund_made_at_stripe_itself_is_seen_once(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    intent = Intent.objects.get()
    stripe_world.client.v1.refunds.create({"payment_intent": str(intent.stripe_id), "amount": 100})
    news = stripe_world.events()
    told(news)
    told(news)
    assert Payment.objects.get().refunded == 100
    assert [refund.reason for refund in Refund.objects.all()] == [Refund.Reason.AT_STRIPE]
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.PARTIALLY_REFUNDED


def test_a_refund_whose_answer_was_lost_is_not_made_twice(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    # The client itself asks three times.
    stripe_world.fail_next(3, "effect_then_drop", operation="PostRefunds")
    refunds.ask(purchase.payment, 500, reason=Refund.Reason.STAFF)
    work_off()
    assert Refund.objects.get().state == Refund.State.SUCCEEDED  # found by looking, not by the answer
    Piece.objects.unfinished().update(due_at="2020-01-01T00:00Z")
    work_off()
    assert [refund.amount for refund in list(stripe_world.client.v1.refunds.list().auto_paging_iter())] == [500]
    assert Payment.objects.get().refunded == 500
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_suspends_and_its_end_restores_or_revokes(
    won: bool, offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    dispute = stripe_world.dispute(Intent.objects.get().charge_id)
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.DISPUTED
    assert not licensing.may_have(buyer[1], purchase.version)
    assert ledger.balance(Book.DISPUTES_HELD) == PRICE
    stripe_world.close_dispute(dispute, won=won)
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == (Purchase.State.FULFILLED if won else Purchase.State.CHARGED_BACK)
    assert licensing.may_have(buyer[1], purchase.version) == won
    assert Dispute.objects.get().state == (Dispute.State.WON if won else Dispute.State.LOST)
    assert ledger.balance(Book.DISPUTES_HELD) == 0
    net = sum(moved.net for moved in list(stripe_world.client.v1.balance_transactions.list().auto_paging_iter()))
    assert ledger.balance(Book.STRIPE_CLEARING) == net
    assert [note.gross for note in Invoice.objects.credit_notes()] == ([] if won else [PRICE])
    assert well() == []


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_of_what_was_paid_twice_touches_neither_licence_nor_what_was_paid(
    won: bool, offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    twice = stripe_world.client.v1.payment_intents.create(
        {
            "amount": PRICE,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "off_session": True,
            "metadata": {"lookalike_payment": str(purchase.payment_id)},
        }
    )
    dispute = stripe_world.dispute(str(twice.latest_charge))
    told(stripe_world.events())
    assert Intent.objects.get(stripe_id=twice.id).surplus
    stripe_world.close_dispute(dispute, won=won)
    told(stripe_world.events())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.FULFILLED
    assert licensing.may_have(buyer[1], purchase.version)
    payment = Payment.objects.get()
    assert (payment.captured, payment.refunded, payment.charged_back) == (PRICE, 0, 0)
    assert ledger.balance(Book.DISPUTES_HELD) == 0
    moved = stripe_world.client.v1.balance_transactions.list().auto_paging_iter()
    assert ledger.balance(Book.STRIPE_CLEARING) == sum(one.net for one in moved)


def test_what_cannot_be_delivered_any_more_is_paid_back(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    stripe_world.pay(page)
    withdrawing.withdraw(purchase.version, "A court said so.")
    settle(purchase.payment_id)
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.REFUNDED
    assert not Licence.objects.filter(cause_kind=Licence.Cause.PURCHASE).exists()
    assert well() == []


def test_of_what_cannot_be_delivered_the_rest_is_paid_back_where_a_part_went_back_before(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    stripe_world.pay(page)
    (intent,) = list(stripe_world.client.v1.payment_intents.list().auto_paging_iter())
    stripe_world.client.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    withdrawing.withdraw(purchase.version, "A court said so.")
    settle(purchase.payment_id)
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.REFUNDED
    assert Payment.objects.get().refunded == PRICE
    assert well() == []


def test_within_the_time_and_before_a_download_the_buyer_gets_all_back_without_a_reason(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    client = Client()
    client.force_login(buyer[0])
    page = client.get(reverse("billing:purchase", args=[purchase.id]))
    assert "Changed your mind?" in page.content.decode()
    assert client.post(reverse("billing:give-back", args=[purchase.id])).status_code == 302
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.REFUNDED


def test_after_a_download_it_is_not_given_back_without_a_reason(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    client = Client()
    client.force_login(buyer[0])
    version = purchase.version
    path = version.files.filter(sample=False).values_list("path", flat=True)[0]
    assert client.get(f"/datasets/seller/numbers/versions/{version.number}/files/{path}").status_code == 302
    assert not refunds.may_return(purchase)
    client.post(reverse("billing:give-back", args=[purchase.id]))
    assert not Refund.objects.exists()
    assert licensing.may_have(buyer[1], version)


@pytest.mark.parametrize("way", ["/datasets/seller/numbers", "/api/v1/datasets/seller/numbers/rows"])
def test_rows_beyond_the_free_sample_count_as_used_once_and_those_of_the_sample_do_not(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld, way: str
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    client = Client()
    client.force_login(buyer[0])
    free = extent.extent(purchase.version).free["default", "train"]
    assert client.get(way, {"offset": 0, "length": min(free, 100)}).status_code == 200
    assert refunds.may_return(purchase)
    for _ in range(2):
        assert client.get(way, {"offset": free + 5}).status_code == 200
    assert Reading.objects.get().licence.cause_id == purchase.id
    assert not refunds.may_return(purchase)
    client.post(reverse("billing:give-back", args=[purchase.id]))
    assert not Refund.objects.exists()
    page = client.get(reverse("catalog:licence", args=[Licence.objects.get(cause_id=purchase.id).id]))
    assert "were first read" in page.content.decode()


def test_rows_that_are_asked_for_while_the_licence_is_given_back_are_not_shown(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    before = access.reach(buyer[1], purchase.version)
    purchases.give_back(purchase, by=buyer[0])
    assert before is not None
    with pytest.raises(Problem, match="licence"):
        before.opened("default", "train", 0, 1 << 20)
    assert not Reading.objects.exists()


@pytest.mark.parametrize("arrived", [False, True])
def test_who_was_given_a_part_back_may_give_the_rest_back_as_well(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld, arrived: bool
) -> None:
    purchase = bought(buyer, offer, stripe_world)
    refunds.ask(purchase.payment, 100, reason=Refund.Reason.STAFF)
    if arrived:
        work_off()
    client = Client()
    client.force_login(buyer[0])
    assert "Give it back for €120.00" in client.get(reverse("billing:purchase", args=[purchase.id])).content.decode()
    purchases.give_back(Purchase.objects.get(id=purchase.id), by=buyer[0])
    work_off()
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.REFUNDED
    assert sorted(Refund.objects.values_list("amount", flat=True)) == [100, PRICE - 100]
    with pytest.raises(NotReturnable):
        purchases.give_back(purchase, by=buyer[0])
    assert well() == []


def test_a_purchase_whose_page_never_opened_is_not_paid_once_its_offer_is_gone(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())
    offers.close_offer(offer)
    with pytest.raises(PaymentMoved, match="not offered"):
        purchases.pay(purchase)
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.CANCELLED


def test_a_purchase_whose_page_never_opened_ends_after_two_hours(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase = purchases.buy(buyer[1], offer, by=buyer[0], key=uuid7())
    by_sweep(stripe_world, purchase, Client())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.DRAFT
    Payment.objects.update(created_at=F("created_at") - timedelta(hours=3))
    by_sweep(stripe_world, purchase, Client())
    purchase.refresh_from_db()
    assert purchase.state == Purchase.State.EXPIRED


def test_the_rate_of_tax_is_printed_as_stripe_gave_it(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    stripe_world.tax(8.875)
    payment = bought(buyer, offer, stripe_world).payment
    assert (payment.tax, payment.tax_percent) == (986, Decimal("8.875"))
    assert documents.document(payment.invoices.get()).lines[0].rate == "8.875 %"


def test_an_event_that_nobody_signed_is_refused_and_not_kept(stripe_world: StripeWorld) -> None:
    for signature in ("", "t=1,v1=00", "nonsense"):
        answer = Client().post(
            "/webhooks/stripe", "{}", content_type="application/json", HTTP_STRIPE_SIGNATURE=signature
        )
        assert answer.status_code == 400
    assert not Event.objects.exists()


@pytest.mark.parametrize("odd", ["\\u0000", "\\ud800", "NaN", "1e999"])
def test_an_event_with_what_the_database_cannot_keep_is_kept_without_it(stripe_world: StripeWorld, odd: str) -> None:
    value = odd if odd[0] in "N1" else f'"a{odd}b"'
    told = f'{{"object": {{"id": "price_1", "nickname": {value}}}}}'
    assert posted(f'{{"id": "evt_odd", "type": "price.created", "data": {told}}}').status_code == 200
    kept = Event.objects.get(stripe_id="evt_odd")
    assert kept.object_id == "price_1"
    assert kept.body["data"]["object"]["nickname"] in ("a\ufffdb", "nan", "inf")
    work_off()
    kept.refresh_from_db()
    assert kept.state == Event.State.IGNORED


@pytest.mark.parametrize("field", ["id", "type", "object"])
def test_a_signed_text_with_names_longer_than_stripes_is_no_event(stripe_world: StripeWorld, field: str) -> None:
    names = {"id": "evt_1", "type": "price.created", "object": "price_1"} | {field: "x" * 256}
    told = {"id": names["id"], "type": names["type"], "data": {"object": {"id": names["object"]}}}
    assert posted(json.dumps(told)).status_code == 400
    assert not Event.objects.exists()


def test_an_event_about_nothing_of_ours_is_kept_and_ignored(stripe_world: StripeWorld) -> None:
    stripe_world.client.v1.payment_intents.create(
        {"amount": 500, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True, "off_session": True}
    )
    told(stripe_world.events())
    assert set(Event.objects.values_list("state", flat=True)) == {Event.State.IGNORED}
    assert not Payment.objects.exists()


def test_an_event_that_cannot_be_looked_into_becomes_a_dead_letter_that_can_be_replayed(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, page = begun(buyer, offer)
    stripe_world.pay(page)
    (completed,) = [event for event in stripe_world.events() if event.type == "checkout.session.completed"]
    Client().post(
        "/webhooks/stripe",
        completed.body,
        content_type="application/json",
        HTTP_STRIPE_SIGNATURE=completed.signature,
    )
    event = Event.objects.get()
    events.died(event.id, PlatformFault("Stripe gave no answer."))
    event.refresh_from_db()
    assert event.state == Event.State.DEAD
    events.replay(event)
    work_off()
    event.refresh_from_db()
    purchase.refresh_from_db()
    assert (event.state, purchase.state) == (Event.State.PROCESSED, Purchase.State.FULFILLED)


def test_a_member_who_may_not_spend_is_refused_and_a_stranger_finds_nothing(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    purchase, _ = begun(buyer, offer)
    stranger = Client()
    stranger.force_login(a_person("stranger")[0])
    for name in ("purchase", "purchase-state"):
        assert stranger.get(reverse(f"billing:{name}", args=[purchase.id])).status_code == 404
    for name in ("pay", "cancel", "give-back"):
        assert stranger.post(reverse(f"billing:{name}", args=[purchase.id])).status_code == 404
    buyer[0].memberships.update(role="member")
    member = Client()
    member.force_login(buyer[0])
    assert member.post("/datasets/seller/numbers/buy", {"offer": str(offer.id)}).status_code == 403
    assert member.post(reverse("billing:pay", args=[purchase.id])).status_code == 403
    assert Purchase.objects.count() == 1


def test_a_wrong_form_says_all_that_is_wrong_and_buys_nothing(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    client = Client()
    client.force_login(buyer[0])
    answer = client.post("/datasets/seller/numbers/buy", {"offer": "none", "key": "one"})
    assert answer.status_code == 422
    assert not Purchase.objects.exists()


def test_the_form_of_an_offer_with_a_price_leads_to_the_page_where_it_is_paid(
    offer: Offer, buyer: tuple[User, Account], stripe_world: StripeWorld
) -> None:
    client = Client()
    client.force_login(buyer[0])
    key = uuid7()
    answer = client.post("/datasets/seller/numbers/acquire", {"offer": str(offer.id), "key": str(key)})
    assert (answer.status_code, answer["Location"]) == (307, "/datasets/seller/numbers/buy")
    paid_at = client.post(answer["Location"], {"offer": str(offer.id), "key": str(key)})
    assert paid_at.status_code == 303
    assert paid_at["Location"].startswith(stripe_world.base)
    assert Purchase.objects.get().key == UUID(str(key))


def test_an_event_may_tell_of_an_intent_while_its_payment_is_settled(
    buyer: tuple[User, Account], offer: Offer, stripe_world: StripeWorld
) -> None:
    purchase, _ = begun(buyer, offer)

    def hear_of(intent: str) -> Intent:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            return Intent.objects.create(stripe_id=intent, payment_id=purchase.payment_id)

    def elsewhere(intent: str) -> Intent:
        try:
            return hear_of(intent)
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Payment.objects.locked(purchase.payment_id)
        # Whoever settles writes this row too: were the event to wait for the payment's lock, each would wait for the
        # other.
        heard = pool.submit(elsewhere, "pi_heard_of").result()
        assert Intent.objects.get_or_create(stripe_id="pi_heard_of") == (heard, False)
