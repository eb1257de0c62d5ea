"""Invoices and credit notes: one for each payment and refund, numbered without gaps, never changed, fit to print."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing import doctor
from billing.invoicing import documents as invoice_documents
from billing.invoicing import invoices, profiles
from billing.invoicing.profiles import Details
from billing.models import Entry, Invoice, Numbering, Payment, Refund
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.mail.models import Message
from tests.accounts.pages import assert_whole
from tests.billing.made import a_dispute, a_payment, a_refund, fail, lose
from tests.billing.selling import a_sale
from tests.factories import a_person, an_account
from tests.stripe_world import StripeWorld
from tests.workers import environment

pytestmark = pytest.mark.django_db

POLISH = Details(
    legal_name="Zażółć Gęślą Jaźń Sp. z o.o.",
    address="ul. Świętojańska 1",
    postal_code="90-001",
    city="Łódź",
    country="PL",
    tax_id="PL1234567890",
    purchase_order="PO-7",
)


@pytest.fixture
def account() -> Account:
    return an_account()


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@example.com", "correct horse")


def words_of(pdf: bytes, folder: Path) -> str:
    """The text of a PDF, read by somebody else's program."""
    file = folder / "invoice.pdf"
    file.write_bytes(pdf)
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(file).pages)


def test_a_payment_has_one_invoice_with_what_the_ledger_says(account: Account) -> None:
    payment = a_payment(account, 11_900, tax=1_900)
    first, second = invoices.issue(payment), invoices.issue(payment)
    assert first == second
    invoice = Invoice.objects.get()
    assert (invoice.net, invoice.tax, invoice.gross, invoice.currency) == (10_000, 1_900, 11_900, "EUR")
    assert invoice.lines == [
        {"description": payment.description, "net": 10_000, "tax": 1_900, "gross": 11_900, "rate": 1_900}
    ]
    assert invoice.paid_at == payment.paid_at
    assert invoice.number == f"INV-{invoice.issued_at.year}-000001"
    assert Message.objects.count() == 0  # the account has no members


def test_nothing_captured_is_nothing_to_invoice(account: Account) -> None:
    payment = a_payment(account)
    Payment.objects.filter(id=payment.id).update(captured=0)
    with pytest.raises(invoices.NotBooked):
        invoices.issue(payment)
    invoices.follow(payment)
    assert not Invoice.objects.exists() and not Numbering.objects.exists()


@pytest.mark.parametrize(
    ("gross", "tax", "rate"),
    [(11_900, 1_900, 1_900), (1_000, 160, 1_900), (999, 0, 0), (10_000, 521, 550), (3, 1, None)],
)
def test_a_rate_is_said_only_where_no_other_fits(gross: int, tax: int, rate: int | None) -> None:
    assert invoices._rate_from(gross, tax) == rate


def test_refunds_in_parts_credit_each_cent_of_the_tax(account: Account) -> None:
    payment = a_payment(account, 1_001, tax=167, seller=an_account("seller"))
    for amount in (333, 333, 335):
        a_refund(payment, amount)
        invoices.follow(payment)
        invoices.follow(payment)
    invoice = Invoice.objects.invoices().get()
    notes = Invoice.objects.credit_notes().order_by("serial")
    assert [note.gross for note in notes] == [333, 333, 335]
    assert sum(note.tax for note in notes) == 167 and sum(note.net for note in notes) == invoice.net
    assert {note.corrects_id for note in notes} == {invoice.id}
    assert [note.serial for note in notes] == [1, 2, 3]
    assert Entry.objects.filter(book=Entry.Book.TAX).aggregate(left=Sum("amount"))["left"] == 0


def test_what_a_bank_took_back_is_credited_once_with_its_tax_when_the_dispute_is_lost(account: Account) -> None:
    profiles.keep(account, Details(**vars(POLISH) | {"email": "books@example.org"}))
    payment = a_payment(account, 11_900, tax=1_900, seller=an_account("seller"))
    a_refund(payment, 1_900)
    dispute = a_dispute(payment, 11_900)
    invoices.follow(payment)
    assert Invoice.objects.credit_notes().count() == 1, "while it is open, the sale stands"
    lose(dispute, 11_900)
    (fault,) = doctor.payments_and_refunds_have_their_documents()
    assert fault.subject == f"dispute {dispute.id}"
    for _ in range(2):
        invoices.follow(payment)
    assert list(doctor.payments_and_refunds_have_their_documents()) == []
    refunded, taken = Invoice.objects.credit_notes().order_by("serial")
    assert (taken.gross, taken.dispute, taken.refund) == (10_000, dispute, None)
    assert refunded.tax + taken.tax == 1_900
    assert Entry.objects.filter(book=Entry.Book.TAX).aggregate(left=Sum("amount"))["left"] == 0
    assert "bank" in " ".join(invoice_documents.document(taken).notes)
    assert "€100.00" in Message.objects.get(subject__startswith="Your bank took").subject
    assert invoice_documents.pdf(taken).startswith(b"%PDF")


def test_what_had_gone_back_before_the_bank_took_it_again_is_not_credited_twice(account: Account) -> None:
    payment = a_payment(account, 5_000)
    a_refund(payment, 5_000)
    lose(a_dispute(payment, 5_000), 5_000)
    invoices.follow(payment)
    assert list(doctor.payments_and_refunds_have_their_documents()) == []
    assert [note.gross for note in Invoice.objects.credit_notes()] == [5_000]


def test_what_was_paid_twice_is_not_credited(account: Account) -> None:
    payment = a_payment(account)
    refund = a_refund(payment, 5_000)
    payment.intents.update(surplus=True)
    invoices.follow(payment)
    assert not Invoice.objects.credit_notes().exists()
    with pytest.raises(invoices.NotBooked):
        invoices.credit(refund)


def test_a_refund_under_way_is_credited_when_it_arrived(account: Account) -> None:
    payment = a_payment(account)
    refund = a_refund(payment, 5_000, state=Refund.State.SUBMITTED)
    invoices.follow(payment)
    assert not Invoice.objects.credit_notes().exists()
    Refund.objects.filter(id=refund.id).update(state=Refund.State.SUCCEEDED)
    invoices.follow(payment)
    assert Invoice.objects.credit_notes().count() == 1


def test_a_refund_that_failed_after_all_takes_its_credit_note_back(account: Account) -> None:
    payment = a_payment(account, 11_900, tax=1_900)
    refund = a_refund(payment, 5_000)
    invoices.follow(payment)
    fail(refund)
    invoices.follow(payment)
    invoices.follow(payment)
    note, recalled = Invoice.objects.credit_notes().get(), Invoice.objects.get(kind=Invoice.Kind.RECALL)
    assert recalled.corrects == note and (recalled.gross, recalled.tax) == (note.gross, note.tax)
    assert "the refund failed" in " ".join(invoice_documents.document(recalled).notes).lower()


def test_tax_on_paper_is_that_of_the_ledger_to_the_cent_whichever_refund_fails(account: Account) -> None:
    payment = a_payment(account, 121, tax=21)
    first = a_refund(payment, 1)
    a_refund(payment, 5)
    invoices.follow(payment)
    fail(first)
    payment.refresh_from_db()
    invoices.follow(payment)
    a_refund(payment, 116)
    invoices.follow(payment)
    signs = {Invoice.Kind.INVOICE: 1, Invoice.Kind.CREDIT: -1, Invoice.Kind.RECALL: 1}
    papers = [(signs[one.kind] * one.gross, signs[one.kind] * one.tax) for one in Invoice.objects.all()]
    assert len(papers) == 5
    assert [sum(part) for part in zip(*papers, strict=True)] == [0, 0]
    assert list(doctor.payments_and_refunds_have_their_documents()) == []


def test_a_refund_that_leaves_after_a_bank_took_the_money_is_a_cost_and_no_second_credit(account: Account) -> None:
    payment = a_payment(account, 12_100, tax=2_100)
    lose(a_dispute(payment, 12_100), 12_100)
    payment.refresh_from_db()
    refund = a_refund(payment, 12_100)
    payment.refresh_from_db()
    assert (payment.refunded, payment.charged_back) == (0, 12_100)
    invoices.follow(payment)
    assert [(note.gross, note.tax) for note in Invoice.objects.credit_notes()] == [(12_100, 2_100)]
    for check in (doctor.payments_and_refunds_have_their_documents, doctor.payments_say_what_the_ledger_says):
        assert list(check()) == []
    fail(refund)
    payment.refresh_from_db()
    invoices.follow(payment)
    assert (payment.refunded, Invoice.objects.filter(kind=Invoice.Kind.RECALL).exists()) == (0, False)
    assert list(doctor.payments_say_what_the_ledger_says()) == []


def test_invoices_keep_the_names_of_their_day(account: Account) -> None:
    profiles.keep(account, POLISH)
    payment = a_payment(account)
    invoice = invoices.issue(payment)
    profiles.keep(account, Details(**vars(POLISH) | {"legal_name": "Other", "purchase_order": "PO-8"}))
    a_refund(payment, 12_000)
    invoices.follow(payment)
    note = Invoice.objects.credit_notes().get()
    for document in (invoice, note):
        assert document.buyer["name"] == POLISH.legal_name and document.purchase_order == "PO-7"
    assert invoices.issue(a_payment(account)).purchase_order == "PO-8"


def test_the_database_refuses_to_change_or_delete_an_invoice(account: Account) -> None:
    invoice = invoices.issue(a_payment(account))
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        Invoice.objects.filter(id=invoice.id).update(gross=1, net=1, tax=0)
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        invoice.delete()


def test_numbers_begin_anew_with_the_year_and_leave_no_gap_when_one_was_not_made(account: Account) -> None:
    first = invoices.issue(a_payment(account))
    with pytest.raises(RuntimeError), transaction.atomic():
        invoices.issue(a_payment(account))
        raise RuntimeError("the charge was not booked after all")
    assert invoices.issue(a_payment(account)).serial == first.serial + 1
    Numbering.objects.update(year=first.year - 1, serial=731)
    with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
        invoices.issue(a_payment(account))


def test_a_new_year_begins_with_one(account: Account) -> None:
    Numbering.objects.create(kind="invoice", year=2001, serial=731)
    invoice = invoices.issue(a_payment(account))
    assert invoice.serial == 1 and invoice.year == datetime.now(UTC).year


@pytest.mark.django_db(transaction=True)
def test_invoices_made_at_once_get_numbers_in_a_row_and_one_payment_gets_one(account: Account) -> None:
    payments = [a_payment(account) for _ in range(8)] * 2
    faults: list[Exception] = []

    def make(payment: Payment) -> None:
        try:
            with transaction.atomic():
                Payment.objects.locked(payment.id)
                invoices.follow(payment)
        except Exception as error:  # noqa: BLE001 (told to the test)
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=[payment]) for payment in payments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    made = list(Invoice.objects.order_by("serial").values_list("serial", "issued_at"))
    assert [serial for serial, _ in made] == list(range(1, 9))
    assert [moment for _, moment in made] == sorted(moment for _, moment in made)


@pytest.mark.parametrize(
    ("country", "checked", "tax", "reverse"),
    [
        ("PL", True, 0, True),
        ("PL", False, 0, False),
        ("PL", True, 1_900, False),
        ("IE", True, 0, False),
        ("US", True, 0, False),
    ],
)
def test_reverse_charge_is_said_only_of_a_checked_id_in_another_country_of_the_union(
    account: Account, boss: User, country: str, checked: bool, tax: int, reverse: bool
) -> None:
    number = {"PL": "PL1234567890", "IE": "IE1234567WA", "US": "12-3456789"}[country]
    profile = profiles.keep(account, Details(**vars(POLISH) | {"country": country, "tax_id": number}))
    if checked:
        profiles.confirm_tax_id(profile, profiles.registered(profile), by=boss)
    invoice = invoices.issue(a_payment(account, 11_900, tax=tax))
    assert invoice.reverse_charge is reverse
    assert any("Reverse charge" in note for note in invoice_documents.document(invoice).notes) is reverse


def test_paper_says_what_the_page_says_in_every_letter(account: Account, tmp_path: Path) -> None:
    profiles.keep(account, Details(**vars(POLISH) | {"address_more": "Ελληνικά, Кириллица"}))
    invoice = invoices.issue(a_payment(account, 123_456, tax=23_085))
    read = " ".join(words_of(invoice_documents.pdf(invoice), tmp_path).split())
    shown = invoice_documents.document(invoice)
    for text in (
        shown.title,
        *shown.seller,
        *shown.buyer,
        *(value for _, value in shown.facts),
        *(value for _, value in (*shown.parts, shown.whole)),
        shown.warning,
        *shown.notes,
        "Zażółć Gęślą Jaźń",
        "Ελληνικά, Кириллица",
        "€1,234.56",
    ):
        assert text in read


@pytest.mark.django_db(transaction=True)
def test_the_same_row_gives_the_same_bytes_in_any_process(account: Account) -> None:
    invoice = invoices.issue(a_payment(account))
    pdf = invoice_documents.pdf(invoice)
    assert pdf == invoice_documents.pdf(Invoice.objects.select_related("corrects").get())
    assert pdf.startswith(b"%PDF") and b"FontFile2" in pdf
    program = (
        "import django, hashlib; django.setup(); from billing.invoicing import documents;"
        "from billing.models import Invoice;"
        "print(hashlib.sha256(documents.pdf(Invoice.objects.get())).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == hashlib.sha256(pdf).hexdigest()


def test_a_marked_up_name_is_text_on_paper(account: Account, tmp_path: Path) -> None:
    profiles.keep(account, Details(**vars(POLISH) | {"legal_name": "<b>A & B</b> <img src=x>"}))
    invoice = invoices.issue(a_payment(account, description="<para>Rows</para>"))
    read = words_of(invoice_documents.pdf(invoice), tmp_path)
    assert "<b>A & B</b> <img src=x>" in read and "<para>Rows</para>" in read


def test_a_long_description_stays_on_the_paper(account: Account, tmp_path: Path) -> None:
    invoice = invoices.issue(a_payment(account, description="W" * 200))
    assert "W" * 10 in words_of(invoice_documents.pdf(invoice), tmp_path)


def test_a_demonstration_says_so_and_a_deployment_does_not(account: Account, settings: Settings) -> None:
    demo = invoices.issue(a_payment(account))
    settings.INVOICE_ISSUER_DEMO, settings.INVOICE_ISSUER_NAME = False, "Market Ltd"
    settings.INVOICE_ISSUER_ADDRESS = "1 Main Street | 1000 Town"
    real = invoices.issue(a_payment(account))
    assert "Demonstration" in invoice_documents.document(demo).warning
    shown = invoice_documents.document(real)
    assert not shown.warning
    assert list(shown.seller) == ["Market Ltd", "1 Main Street", "1000 Town", "Ireland"]


def test_letters_tell_of_payment_and_refund_and_lead_to_a_page_for_those_who_sign_in(client: Client) -> None:
    user, account = a_person()
    payment = a_payment(account, 11_900, tax=1_900)
    invoices.follow(payment)
    a_refund(payment, 11_900)
    invoices.follow(payment)
    receipt, returned = Message.objects.order_by("created_at", "id")
    assert receipt.to == user.email and receipt.subject == "Receipt: €119.00 paid"
    assert payment.description in receipt.text and "€19.00 of it tax" in receipt.text
    assert "goes back" in returned.subject and "CRN-" in returned.text
    for message in (receipt, returned):
        path = re.search(r"http://[^/\s]+(/invoices/\S+)", message.text)
        assert path and ".pdf" not in path[1]
        assert client.get(path[1]).status_code == 302
    client.force_login(user)
    assert_whole(client.get(path[1]))


@pytest.fixture
def invoice() -> Invoice:
    return invoices.issue(a_payment(an_account("buyer")))


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("billing", 200), ("member", 404), ("", 404)])
@pytest.mark.parametrize("name", ["billing:invoice", "billing:invoice-pdf"])
def test_an_invoice_is_there_for_those_who_see_to_the_accounts_money_alone(
    client: Client, invoice: Invoice, name: str, role: str, status: int
) -> None:
    address = reverse(name, args=[invoice.id])
    assert client.get(address).status_code == 302
    user, _ = a_person()
    if role:
        Membership.objects.create(account=invoice.account, user=user, role=role)
    client.force_login(user)
    assert client.get(address).status_code == status


def test_staff_who_may_see_invoices_read_them(client: Client, invoice: Invoice, boss: User) -> None:
    client.force_login(boss)
    assert_whole(client.get(reverse("billing:invoice", args=[invoice.id])))
    paper = client.get(reverse("billing:invoice-pdf", args=[invoice.id]))
    assert "private" in paper.headers["Cache-Control"]
    assert paper.headers["Content-Type"] == "application/pdf" and invoice.number in paper.headers["Content-Disposition"]


def test_the_overview_lists_payments_with_their_documents_page_by_page(client: Client) -> None:
    user, account = a_person()
    client.force_login(user)
    assert "Nothing was paid yet" in assert_whole(client.get(reverse("billing:overview")))
    for _ in range(4):
        payment = a_payment(account)
        a_refund(payment, 2_000)
        invoices.follow(payment)
    stranger = invoices.issue(a_payment(an_account("other")))
    seen: list[str] = []
    address = reverse("billing:overview") + "?size=3"
    while address:
        text = assert_whole(client.get(address))
        seen += re.findall(r">((?:INV|CRN)-[\d-]+)<", text)
        following = re.search(r'rel="next" href="([^"]*)"', text)
        address = reverse("billing:overview") + following[1].replace("&amp;", "&") if following else ""
    assert sorted(seen) == sorted(account.invoices.values_list("number", flat=True))
    assert len(seen) == 8 and stranger.number not in seen


def test_another_account_of_the_same_person_does_not_show_it_but_its_letter_still_opens(client: Client) -> None:
    user, _ = a_person()
    other = an_account("other")
    Membership.objects.create(account=other, user=user, role=Role.OWNER)
    made = invoices.issue(a_payment(other))
    client.force_login(user)
    assert made.number not in assert_whole(client.get(reverse("billing:overview")))
    assert_whole(client.get(reverse("billing:invoice", args=[made.id])))


@pytest.mark.django_db(transaction=True)
def test_whoever_owes_the_tax_by_a_checked_id_is_charged_none_until_the_id_changes(
    stripe_world: StripeWorld, boss: User
) -> None:
    stripe_world.tax(23)
    buyer = an_account("buyer")
    profile = profiles.keep(buyer, POLISH)
    a_sale(stripe_world, None)
    profiles.confirm_tax_id(profile, profiles.registered(profile), by=boss)
    a_sale(stripe_world, None)
    profiles.keep(buyer, Details(**vars(POLISH) | {"tax_id": "PL9999999999"}))
    a_sale(stripe_world, None)
    made = Invoice.objects.order_by("serial").values_list("tax", "gross", "reverse_charge", "lines__0__rate")
    assert list(made) == [(1_870, 10_000, False, 2_300), (0, 10_000, True, 0), (1_870, 10_000, False, 2_300)]
    assert stripe_world.audit() == []
