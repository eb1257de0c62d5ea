"""Money for staff: seen by those with the permission alone, and changed only as the page showed it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from uuid_utils.compat import uuid7

from billing import doctor, kinds
from billing.books import ledger, reports
from billing.books.ledger import Book
from billing.invoicing import invoices, profiles
from billing.invoicing.profiles import Details
from billing.models import BillingProfile, Dispute, Event, Numbering, Payment, Reconciliation, Refund
from marketplace.accounts.models import Account, User
from marketplace.work.models import Piece
from tests.accounts.pages import assert_whole
from tests.billing.made import a_payment, a_refund
from tests.factories import a_person, an_account

pytestmark = pytest.mark.django_db

LISTS = ("overview", "payments", "disputes", "events", "tax-ids", "reconciliations")
NAMES = [reverse("billing:staff-money" if name == "overview" else f"billing:staff-{name}") for name in LISTS]


@pytest.fixture
def boss(client: Client) -> User:
    boss = User.objects.create_superuser("boss@example.com", "correct horse")
    client.force_login(boss)
    return boss


@pytest.fixture
def payment() -> Payment:
    return a_payment(an_account("buyer"), 11_900, tax=1_900, fee=204, seller=an_account("seller"))


def page_of(payment: Payment) -> str:
    return reverse("billing:staff-payment", args=[payment.id])


def an_event(state: str = "dead") -> Event:
    return Event.objects.create(
        stripe_id=f"evt_{uuid7().hex}",
        type="charge.refunded",
        object_id="ch_1",
        body={},
        state=state,
        fault_message="no",
    )


def a_profile(account: Account) -> BillingProfile:
    return profiles.keep(
        account, Details(legal_name="Dane <Polska>", address="ul. 1", city="Łódź", country="PL", tax_id="PL1234567890")
    )


def permit(user: User, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="billing", codename__in=names))


def test_every_page_is_whole_when_it_is_empty_and_when_it_is_full(client: Client, boss: User, payment: Payment) -> None:
    for address in NAMES:
        assert_whole(client.get(address))
    for number in range(3):
        other = a_payment(an_account(f"other-{number}"), seller=an_account(f"maker-{number}"))
        a_refund(other, 1_000)
        invoices.follow(other)
        Dispute.objects.create(payment=other, intent=other.intents.get(), stripe_id=f"dp_{number}", amount=1)
        an_event()
        a_profile(other.account)
        day = Reconciliation.objects.create(day=date(2026, 1, number + 1), state="done", made_at=datetime.now(UTC))
    for address in (*NAMES, page_of(other), reverse("billing:staff-reconciliation", args=[day.id])):
        assert_whole(client.get(address))


def test_to_everybody_else_there_is_nothing(client: Client, payment: Payment) -> None:
    day = Reconciliation.objects.create(day=date(2026, 1, 1))
    profile, event = a_profile(payment.account), an_event()
    addresses = (*NAMES, page_of(payment), reverse("billing:staff-reconciliation", args=[day.id]))
    posted = (
        page_of(payment),
        reverse("billing:staff-reconciliation", args=[day.id]),
        reverse("billing:staff-replay", args=[event.id]),
        reverse("billing:staff-confirm-tax-id", args=[profile.id]),
    )
    for user in (None, a_person()[0]):
        if user:
            client.force_login(user)
        assert {client.get(address).status_code for address in addresses} == {404}
        assert {client.post(address, {"amount": "1.00"}).status_code for address in posted} == {404}
    assert not Refund.objects.exists() and not Piece.objects.exists()


def test_who_may_look_may_not_change(client: Client, payment: Payment) -> None:
    user = a_person()[0]
    permit(user, "view_payment", "view_reconciliation")
    client.force_login(user)
    text = assert_whole(client.get(page_of(payment)))
    assert "Give money back" not in text
    assert client.post(page_of(payment), {"amount": "1.00", "seen": "11900", "note": "x"}).status_code == 404
    day = reverse("billing:staff-reconciliation", args=[Reconciliation.objects.create(day=date(2026, 1, 1)).id])
    assert "again" not in assert_whole(client.get(day)).partition("<main")[2].lower()
    assert client.post(day).status_code == 404
    assert not Refund.objects.exists()


def test_the_trial_balance_names_each_book_and_is_even(client: Client, boss: User, payment: Payment) -> None:
    trial = reports.trial_balance()
    assert trial.even and trial.debit == 11_900
    text = assert_whole(client.get(reverse("billing:staff-money")))
    assert "both sides are the same" in text and "€116.96" in text and "Stripe, clearing" in text


def test_a_refund_is_asked_for_with_its_reason_and_who_decided(client: Client, boss: User, payment: Payment) -> None:
    sent = {"amount": " €1,19.00".replace("1,19", "119"), "seen": "11900", "note": "Wrong columns."}
    assert client.post(page_of(payment), sent).status_code == 302
    refund = Refund.objects.get()
    assert (refund.amount, refund.note, refund.requested_by, refund.reason) == (11_900, "Wrong columns.", boss, "staff")
    assert Piece.objects.filter(kind=kinds.REFUND, subject=refund.id).exists()
    text = assert_whole(client.get(page_of(payment)))
    assert "Nothing is left" in text and "Wrong columns." in text and boss.email in text


def test_all_faults_of_a_refund_are_told_at_once_and_nothing_is_given_back(
    client: Client, boss: User, payment: Payment
) -> None:
    for amount in ("119.01", "0.00", "-1.00", "1.5", "1e3", "١.٠٠", "much", "999999999999.00"):
        text = assert_whole(client.post(page_of(payment), {"amount": amount, "seen": "11900", "note": ""}), 422)
        assert "2 entries need a change" in text
    assert not Refund.objects.exists()


def test_a_form_that_is_sent_twice_gives_back_once(client: Client, boss: User, payment: Payment) -> None:
    sent = {"amount": "10.00", "seen": "11900", "note": "A part."}
    assert client.post(page_of(payment), sent).status_code == 302
    text = assert_whole(client.post(page_of(payment), sent), 422)
    assert "given back meanwhile" in text
    assert Refund.objects.count() == 1


def test_payments_are_found_by_account_id_and_document(client: Client, boss: User, payment: Payment) -> None:
    other = a_payment(an_account("other"))
    refund = a_refund(payment, 1_000)
    invoices.follow(payment)
    intent = payment.intents.get()
    names = [
        "buyer",
        "SELLER",
        str(payment.id),
        str(payment.cause_id),
        str(intent.stripe_id),
        intent.charge_id,
        str(refund.stripe_id),
        str(payment.invoices.filter(kind="credit").get().number).lower(),
    ]
    for name in names:
        text = assert_whole(client.get(reverse("billing:staff-payments"), {"named": name}))
        assert page_of(payment) in text and page_of(other) not in text, name
    assert "Nothing is called" in assert_whole(client.get(reverse("billing:staff-payments"), {"named": "' OR 1=1"}))
    assert page_of(other) in assert_whole(client.get(reverse("billing:staff-payments")))


def test_a_dead_letter_is_looked_into_again(client: Client, boss: User) -> None:
    event, fine = an_event(), an_event("processed")
    text = assert_whole(client.get(reverse("billing:staff-events")))
    assert event.stripe_id in text and fine.stripe_id not in text
    assert client.post(reverse("billing:staff-replay", args=[event.id])).status_code == 302
    event.refresh_from_db()
    assert event.state == "received" and Piece.objects.filter(kind=kinds.EVENT, subject=event.id).exists()
    assert client.post(reverse("billing:staff-replay", args=[fine.id])).status_code == 404


def test_a_tax_id_is_confirmed_as_it_was_shown(client: Client, boss: User) -> None:
    profile = a_profile(an_account("buyer"))
    page = assert_whole(client.get(reverse("billing:staff-tax-ids")))
    shown = dict(re.findall(r'type="hidden" name="(tax_id|country)" value="([^"]*)"', page))
    shown["legal_name"] = profile.legal_name
    confirm = reverse("billing:staff-confirm-tax-id", args=[profile.id])
    client.post(confirm, shown | {"legal_name": "Somebody else"})
    profile.refresh_from_db()
    assert not profile.tax_id_checked
    client.post(confirm, {})
    client.post(confirm, shown)
    profile.refresh_from_db()
    assert profile.tax_id_checked and profile.tax_id_checked_by == boss
    assert "Nothing to look up" in assert_whole(client.get(reverse("billing:staff-tax-ids")))


def test_a_day_with_differences_shows_each_and_is_compared_again(client: Client, boss: User) -> None:
    day = Reconciliation.objects.create(
        day=date(2026, 11, 25),
        state="done",
        differences=[
            {
                "what": "amount",
                "matter": "capture:pi_1",
                "stripe": 1,
                "ledger": -250,
                "transactions": ["txn_1", "txn_2"],
            }
        ],
    )
    address = reverse("billing:staff-reconciliation", args=[day.id])
    text = assert_whole(client.get(address))
    for words in ("capture:pi_1", "another amount", "€0.01", "-€2.50", "txn_1, txn_2"):
        assert words in text
    assert client.post(address).status_code == 302
    assert Piece.objects.filter(kind=kinds.RECONCILE, subject=day.id).exists()
    assert "25 November 2026" in assert_whole(client.get(reverse("billing:staff-reconciliations")))


def test_counts_are_of_what_waits(payment: Payment) -> None:
    an_event()
    a_profile(payment.account)
    Dispute.objects.create(payment=payment, intent=payment.intents.get(), stripe_id="dp_1", amount=1)
    a_refund(payment, 1, state="failed")
    Reconciliation.objects.create(day=date(2026, 1, 1), state="done", differences=[{"what": "amount"}])
    assert reports.counts() == reports.Counts(1, 1, 1, 1, 1)


def test_the_account_page_leads_staff_to_money(client: Client, boss: User) -> None:
    assert reverse("billing:staff-money") in assert_whole(client.get(reverse("accounts:home")))


def test_gaps_and_what_lacks_a_document_are_found(payment: Payment) -> None:

    assert [fault.subject for fault in doctor.payments_and_refunds_have_their_documents()] == [f"payment {payment.id}"]
    refund = a_refund(payment, 5_000)
    invoices.issue(payment)
    assert [fault.subject for fault in doctor.payments_and_refunds_have_their_documents()] == [f"refund {refund.id}"]
    invoices.follow(payment)
    assert list(doctor.payments_and_refunds_have_their_documents()) == []
    assert list(doctor.invoices_are_numbered_without_gaps()) == []
    ledger.post(
        "capture:pi_more",
        [ledger.debit(Book.UNAPPLIED, 5), ledger.credit(Book.TAX, 5)],
        currency="EUR",
        payment=payment,
    )
    (fault,) = doctor.payments_and_refunds_have_their_documents()
    assert "1900 minor units of tax, the ledger 1905" in fault.message


def test_a_missing_number_is_found(payment: Payment) -> None:

    invoices.issue(payment)
    Numbering.objects.update(serial=7)
    invoices.issue(a_payment(an_account("other")))
    (fault,) = doctor.invoices_are_numbered_without_gaps()
    assert "2 documents, and the highest is 8" in fault.message
