"""What billing can check of "Always true" on a living system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce, Now

from billing import kinds
from billing.books import ledger, postings, reports
from billing.models import (
    OWED,
    Dispute,
    Entry,
    Event,
    Intent,
    Payable,
    Payment,
    Purchase,
    Reconciliation,
    Refund,
    Transaction,
    Transfer,
)
from catalog.models import Licence
from marketplace.doctor import Fault, check
from marketplace.work.models import coming

_PATIENCE = timedelta(minutes=10)
#: Stripe says that a bank decides within 60 to 75 days after evidence was due; two weeks more are for what is slow.
_BANKS_PATIENCE = timedelta(days=90)
#: Purchases whose money is there, or was.
_PAID = (
    Purchase.State.FULFILLED,
    Purchase.State.REFUNDING,
    Purchase.State.PARTIALLY_REFUNDED,
    Purchase.State.REFUNDED,
    Purchase.State.DISPUTED,
    Purchase.State.CHARGED_BACK,
)


@check(promise=3)
def purchased_licences_have_their_purchase() -> Iterator[Fault]:
    """A licence with the cause ``purchase`` names a purchase of the same account that was paid."""
    purchase = Purchase.objects.filter(
        id=OuterRef("cause_id"), account=OuterRef("account"), state__in=_PAID, payment__captured__gt=0
    )
    for licence in Licence.objects.filter(~Exists(purchase), cause_kind=Licence.Cause.PURCHASE).iterator():
        yield Fault(f"licence {licence.id}", f"its cause, purchase {licence.cause_id}, was not paid by its account.")


@check(promise=3)
def licences_in_force_are_paid_for() -> Iterator[Fault]:
    """A licence in force for a payment means that something of it is kept and nothing of it is disputed."""
    spoilt = Payment.objects.filter(
        Q(captured=F("refunded") + F("charged_back"))
        | Q(disputes__state__in=[Dispute.State.OPEN, Dispute.State.LOST], disputes__intent__surplus=False),
        cause_kind=OuterRef("cause_kind"),
        cause_id=OuterRef("cause_id"),
    )
    for licence in Licence.objects.in_force().filter(Exists(spoilt)).iterator():
        yield Fault(f"licence {licence.id}", "it is in force, and its payment is not there, went back, or is disputed.")


@check(promise=3)
def paid_purchases_have_their_licence() -> Iterator[Fault]:
    """A purchase that is fulfilled gave its account a licence."""
    licence = Licence.objects.filter(
        cause_kind=Licence.Cause.PURCHASE, cause_id=OuterRef("id"), account=OuterRef("account")
    )
    for purchase in Purchase.objects.filter(~Exists(licence), fulfilled_at__isnull=False).iterator():
        yield Fault(f"purchase {purchase.id}", "it is fulfilled, and there is no licence for it.")


@check(promise=3)
def the_ledger_sums_to_zero() -> Iterator[Fault]:
    """Each transaction sums to zero, and so do all books."""
    unbalanced = Transaction.objects.annotate(total=Sum("entries__amount")).exclude(total=0)
    for transaction in unbalanced.iterator():
        yield Fault(f"ledger transaction {transaction.id}", f"{transaction.key} sums to {transaction.total}, not to 0.")
    total = sum(ledger.trial_balance().values())
    if total:
        yield Fault("ledger", f"all books together hold {total} minor units, not 0.")


@check(promise=3)
def payments_say_what_the_ledger_says() -> Iterator[Fault]:
    """What a payment took in and gave back is what was posted for it."""
    moved = Q(key__startswith="capture:") | Q(key__startswith="refund:") | Q(key__startswith="refund-failed:")
    # What is a cost besides went back through a bank before.
    books = [Entry.Book.STRIPE_CLEARING, Entry.Book.UNAPPLIED, Entry.Book.DISPUTE_FEES]
    counted = moved & Q(entries__book__in=books)
    posted = (
        Transaction.objects.filter(payment__isnull=False)
        .values("payment")
        .annotate(posted=Sum("entries__amount", filter=counted), said=F("payment__captured") - F("payment__refunded"))
        .exclude(posted=F("said"))
    )
    for row in posted.iterator():
        yield Fault(f"payment {row['payment']}", f"it says {row['said']} minor units, the ledger {row['posted']}.")


@check(promise=3)
def nothing_is_held_for_disputes_that_are_over() -> Iterator[Fault]:
    """Of each payment as much is held as its open disputes took, and nothing of those that are over."""
    of_payments = Entry.objects.filter(book=Entry.Book.DISPUTES_HELD).values_list("transaction__payment")
    booked = dict(of_payments.annotate(held=Sum("amount")).exclude(held=0))
    said = dict(Dispute.objects.open().exclude(held=0).values_list("payment").annotate(taken=Sum("held")))
    for payment in booked.keys() | said.keys():
        if booked.get(payment, 0) != said.get(payment, 0):
            yield Fault(
                f"payment {payment}",
                f"{booked.get(payment, 0)} minor units are held for disputes of it, and those that are open took "
                f"{said.get(payment, 0)}.",
            )


@check(promise=3)
def what_banks_decide_anew_is_seen() -> Iterator[Fault]:
    """Money that a bank gives back after a dispute was lost is booked; licence and credit note are for staff."""
    anew = Dispute.objects.of_what_paid().filter(stripe_id__in=postings.decided_anew())
    for dispute in anew.filter(document__isnull=False).select_related("document").order_by("id").iterator():
        taken = postings.with_the_bank(dispute)
        if taken != dispute.document.gross:
            yield Fault(
                f"dispute {dispute.stripe_id}",
                f"credit note {dispute.document.number} says that the bank took {dispute.document.gross} minor units, "
                f"and by now it has {taken}.",
            )
    lost = Payment.objects.filter(disputes__state=Dispute.State.LOST, disputes__intent__surplus=False)
    won = anew.filter(
        state=Dispute.State.WON, payment__captured__gt=F("payment__refunded") + F("payment__charged_back")
    )
    licences = Licence.objects.filter(
        cause_kind=OuterRef("payment__cause_kind"), cause_id=OuterRef("payment__cause_id")
    )
    without = won.filter(
        Exists(licences.filter(revoked_for=Licence.Revoked.CHARGED_BACK)), ~Exists(licences.in_force())
    )
    for dispute in without.exclude(payment__in=lost.values("id")).order_by("id").iterator():
        yield Fault(
            f"dispute {dispute.stripe_id}",
            "it was lost and is won now, and the licence stays revoked. Give the money back, or a licence.",
        )


@check(promise=7)
def disputes_are_decided() -> Iterator[Fault]:
    """A dispute keeps licence and payout until it is decided, so one that no bank takes so long for is looked at."""
    since = Coalesce("evidence_due", "opened_at")
    late = Dispute.objects.open().annotate(since=since).filter(since__lt=Now() - _BANKS_PATIENCE)
    for name, due in late.order_by("opened_at", "id").values_list("stripe_id", "since").iterator():
        yield Fault(f"dispute {name}", f"it is open, and its evidence was due on {due:%Y-%m-%d}. Ask Stripe why.")


@check(promise=3)
def a_payment_is_taken_once() -> Iterator[Fault]:
    """One PaymentIntent pays a payment; what another took is on its way back."""
    taken = Count("intents", filter=Q(intents__state=Intent.State.SUCCEEDED, intents__surplus=False))
    twice = Payment.objects.annotate(taken=taken).filter(taken__gt=1).values_list("id", "taken")
    for payment, times in twice.iterator():
        yield Fault(f"payment {payment}", f"it was taken {times} times.")
    back = Refund.objects.filter(intent=OuterRef("id")).exclude(state=Refund.State.FAILED)
    for intent in Intent.objects.filter(~Exists(back), surplus=True).iterator():
        yield Fault(f"intent {intent.id}", "it took money without a cause, and nothing gives it back.")


@check(promise=7)
def paid_purchases_are_fulfilled() -> Iterator[Fault]:
    """Who paid has the licence soon after."""
    late = Purchase.objects.filter(state=Purchase.State.PAID, payment__paid_at__lt=Now() - _PATIENCE)
    for purchase in late.iterator():
        yield Fault(f"purchase {purchase.id}", "it is paid, and no licence was granted.")


@check(promise=7)
def refunds_arrive_or_say_why() -> Iterator[Fault]:
    """A refund that was asked for reaches Stripe, and one that failed is looked at by staff."""
    for refund in Refund.objects.filter(state=Refund.State.REQUESTED, created_at__lt=Now() - 6 * _PATIENCE).iterator():
        yield Fault(f"refund {refund.id}", "it was asked for and has not reached Stripe.")
    for refund in Refund.objects.filter(state=Refund.State.FAILED).iterator():
        retried = Refund.objects.filter(intent=refund.intent, created_at__gt=refund.created_at)
        if not retried.exists():
            yield Fault(f"refund {refund.id}", f"it failed: {refund.fault_message} Pay it back, or ask again.")


@check(promise=7)
def events_are_looked_into() -> Iterator[Fault]:
    """What Stripe tells is looked into, and what cannot be is seen by staff."""
    for event in Event.objects.filter(state=Event.State.RECEIVED, received_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"event {event.stripe_id}", "nothing has looked into it yet.")
    for event in Event.objects.filter(state=Event.State.DEAD).iterator():
        yield Fault(f"event {event.stripe_id}", f"it is a dead letter: {event.fault_message} Have it replayed.")


@check(promise=3)
def days_are_reconciled() -> Iterator[Fault]:
    """The newest comparison with Stripe was made and found nothing, and so did those before it."""
    for found in Reconciliation.objects.filter(state=Reconciliation.State.FAILED).order_by("day").iterator():
        yield Fault(f"reconciliation of {found.day}", f"it could not be made: {found.fault_message}")
    for found in Reconciliation.objects.exclude(differences=[]).order_by("day").iterator():
        first = found.differences[0]
        yield Fault(
            f"reconciliation of {found.day}",
            f"{len(found.differences)} differences; of {first['matter']} Stripe has {first['stripe']} minor units and "
            f"the ledger {first['ledger']}.",
        )


@check(promise=3)
def invoices_are_numbered_without_gaps() -> Iterator[Fault]:
    """In each year the numbers of a series run from 1 to the highest."""
    for gap in reports.gaps():
        yield Fault(f"series {gap.kind} {gap.year}", f"it has {gap.there} documents, and the highest is {gap.highest}.")


@check(promise=3)
def payments_and_refunds_have_their_documents() -> Iterator[Fault]:
    """What was captured is invoiced, what went back is credited, and the tax on paper is the tax in the ledger."""
    for payment in reports.without_invoice().iterator():
        yield Fault(f"payment {payment.id}", f"{payment.captured} minor units were captured, and no invoice says so.")
    for refund in reports.without_credit_note().iterator():
        yield Fault(f"refund {refund.id}", "it succeeded, and no credit note says so.")
    for dispute in reports.lost_without_credit_note().iterator():
        yield Fault(f"dispute {dispute.id}", "it was lost, and no credit note says so.")
    for one in reports.taxes_that_differ():
        yield Fault(one.number, f"it has {one.on_paper} minor units of tax, the ledger {one.in_ledger}.")


@check(promise=3)
def payments_have_the_tax_of_their_pages() -> Iterator[Fault]:
    """The tax in what was paid on a page is the one that the page worked out."""
    for payment in reports.taxes_unlike_their_pages().order_by("id").iterator():
        yield Fault(f"payment {payment.id}", f"it has {payment.tax} minor units of tax, and its page has others.")


@check(promise=3)
def sellers_are_owed_what_the_ledger_says() -> Iterator[Fault]:
    """The books of each seller are the sums of what their payables owe them, and of what they owe us."""
    said = {
        row["seller"]: (-row["due"], row["debt"])
        for row in Payable.objects.values("seller").annotate(due=Sum(OWED), debt=Sum("carried")).iterator()
    }
    of_sellers = Entry.objects.filter(seller__isnull=False).values("seller")
    booked = {
        row["seller"]: (row["owed"], row["debt"])
        for row in of_sellers.annotate(
            owed=Sum("amount", filter=Q(book=Entry.Book.SELLER), default=0),
            debt=Sum("amount", filter=Q(book=Entry.Book.SELLER_RECEIVABLE), default=0),
        ).iterator()
    }
    for seller in said.keys() | booked.keys():
        if said.get(seller, (0, 0)) != booked.get(seller, (0, 0)):
            yield Fault(
                f"seller {seller}", f"payables say {said.get(seller)}, the ledger {booked.get(seller)} minor units."
            )
        if said.get(seller, (0, 0))[1] < 0:
            yield Fault(f"seller {seller}", "more was kept from them than they owed.")


@check(promise=3)
def sellers_are_sent_their_share_and_no_more() -> Iterator[Fault]:
    """Transfers less reversals are what a payable says, and no more than the share; what is too much is taken back."""
    done = Q(transfers__state=Transfer.State.DONE)
    sums = {
        "all_sent": Sum("transfers__amount", filter=done, default=0),
        "all_back": Sum("transfers__reversed", filter=done, default=0),
    }
    wrong = ~Q(all_sent=F("transferred")) | ~Q(all_back=F("reversed")) | Q(all_sent__gt=F("amount") + F("all_back"))
    for payable in Payable.objects.annotate(**sums).filter(wrong).iterator():
        yield Fault(f"payable {payable.id}", "what was sent is not what it says, or more than the share.")
    for payable in Payable.objects.in_excess().filter(~coming(kinds.REVERSAL)).iterator():
        yield Fault(f"payable {payable.id}", f"{-payable.sendable} minor units were sent in excess and stay there.")
    torn = Transfer.objects.annotate(back=Sum("reversals__amount", filter=Q(reversals__state="done"), default=0))
    for transfer in torn.exclude(back=F("reversed")).iterator():
        yield Fault(f"transfer {transfer.id}", f"it says {transfer.reversed} went back, its reversals {transfer.back}.")


@check(promise=3)
def what_is_owed_was_paid() -> Iterator[Fault]:
    """A payable is of a payment that was captured for this seller, and each such payment has one."""
    for payable in Payable.objects.exclude(payment__captured__gt=0, payment__seller=F("seller")).iterator():
        yield Fault(f"payable {payable.id}", f"payment {payable.payment_id} was not captured for its seller.")
    captured = Payment.objects.filter(captured__gt=0, seller__isnull=False, payable__isnull=True)
    for payment in captured.exclude(commission=10_000).exclude(captured=F("tax")).select_related("seller").iterator():
        if postings.whole(payment).seller:
            yield Fault(f"payment {payment.id}", "it was captured, and its seller is owed nothing.")


@check(promise=3)
def nothing_is_sent_under_an_open_dispute() -> Iterator[Fault]:
    """No transfer was asked for between the opening of a dispute of its payment and its end."""
    open_then = Dispute.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=OuterRef("created_at")),
        payment=OuterRef("payable__payment"),
        opened_at__lt=OuterRef("created_at"),
    )
    sent = Transfer.objects.filter(Exists(open_then)).exclude(state=Transfer.State.FAILED)
    for transfer in sent.iterator():
        yield Fault(f"transfer {transfer.id}", "it was asked for while a dispute was open.")


@check(promise=7)
def sellers_are_paid_in_time() -> Iterator[Fault]:
    """What is due and free is sent, or says why Stripe did not take it."""
    late = Payable.objects.free().filter(releasable_at__lt=Now() - 6 * _PATIENCE, refusal="")
    for payable in late.filter(state__in=[Payable.State.PENDING, Payable.State.RELEASABLE]).iterator():
        yield Fault(f"payable {payable.id}", f"{payable.owed} minor units are due, and were not sent.")
