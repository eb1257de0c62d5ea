"""Reconciling: what Stripe says moved our balance there, compared with the ledger, day by day and to the cent.

Every movement is mirrored; what stands for the same thing on both sides is its matter, and a matter is compared by all
that ever moved for it, on whichever side of midnight, however late either side heard of it. What only Stripe knows of,
payouts to our bank and fees of its own, is posted from here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from billing import kinds
from billing.books import ledger
from billing.models import BalanceTransaction, Entry, Intent, Payment, Reconciliation, Transaction
from billing.processor import Refused, balance
from billing.processor import payments as at_stripe
from billing.processor.balance import BalanceSeen
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

Item = TypeVar("Item")
Book = Entry.Book
State = Reconciliation.State

#: Stripe's types of balance transactions (docs.stripe.com/reports/balance-transaction-types), and what the ledger
#: calls what they are of: by the id of their source, or by their own.
_OF_SOURCE: Final[Mapping[str, str]] = {
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund",
    "payment_failure_refund": "refund",
    "transfer": "transfer",
    "transfer_cancel": "transfer",
    "transfer_failure": "transfer",
    "transfer_refund": "reversal",
    "payout": "payout",
    "payout_cancel": "payout-cancel",
    "payout_failure": "payout-failure",
    "topup": "topup",
    "topup_reversal": "topup-reversal",
}
_OF_ITSELF: Final[Mapping[str, str]] = {
    "adjustment": "dispute",
    "payment_reversal": "dispute",
    "stripe_fee": "stripe-fee",
    "stripe_fx_fee": "stripe-fee",
    "tax_fee": "stripe-fee",
}
_CHARGES: Final = ("charge", "payment")
#: What goes to our bank or comes from there, and what Stripe takes for itself: known to nobody but Stripe until now.
_OUR_BANK: Final = ("payout", "payout-cancel", "payout-failure", "topup", "topup-reversal")
_FEES: Final = ("stripe-fee",)

#: What the source of a movement is, where a payment of ours may be behind it.
_OF_PAYMENTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_CHARGES, "charge"),
    **{type_: kind for type_, kind in _OF_SOURCE.items() if kind == "refund"},
    **{type_: kind for type_, kind in _OF_ITSELF.items() if kind == "dispute"},
}

#: Stripe's clock is not ours.
_SKEW: Final = timedelta(hours=1)
#: A day is compared once so much of the next one is over.
_REST: Final = timedelta(hours=2)
#: A day with differences is compared again each day for so long.
_AGAIN_FOR: Final = timedelta(days=30)
_AGAIN_AFTER: Final = timedelta(hours=20)
_AT_ONCE: Final = 500


def reconcile(day: date) -> Reconciliation:
    """Compare ``day``, midnight to midnight UTC, and keep what was found. Raises Refused or Unavailable.

    Payments of which something moved that the books do not know are looked at: an event was lost. Done again it says
    what is so by then.
    """
    begin = datetime.combine(day, time(), UTC)
    end = begin + timedelta(days=1)
    mirror(balance.transactions(begin - _SKEW, end + _SKEW))
    with transaction.atomic():
        around = BalanceTransaction.objects.filter(created_at__gte=begin - _SKEW, created_at__lt=end + _SKEW)
        _look_up_unknown_charges(around)
        _post_what_only_stripe_knows(around)
        found, _ = Reconciliation.objects.select_for_update(no_key=True).get_or_create(day=day)
        seen = BalanceTransaction.objects.filter(created_at__gte=begin, created_at__lt=end)
        posted = _cleared(transaction__at__gte=begin, transaction__at__lt=end)
        matters = {*seen.values_list("matter", flat=True), *_matters_of(posted)} - {""}
        found.differences = [*_unknown(seen), *_differences(matters)]
        found.stripe = seen.aggregate(total=Sum("net", default=0))["total"]
        found.ledger = sum(posted.values())
        found.movements = seen.count()
        found.state, found.fault_message, found.made_at = State.DONE, "", Now()
        found.save()
    found.refresh_from_db()
    _look_again(found)
    return found


def mirror(seen: Iterable[BalanceSeen]) -> None:
    """Keep each movement, once."""
    for some in _batches(seen, _AT_ONCE):
        of_charges = _intents([one.source for one in some if one.type in _CHARGES])
        BalanceTransaction.objects.bulk_create(
            (
                BalanceTransaction(
                    stripe_id=one.id,
                    type=one.type,
                    source=one.source,
                    matter=_matter(one.type, one.source, one.id, of_charges),
                    amount=one.amount,
                    fee=one.fee,
                    net=one.net,
                    currency=one.currency,
                    created_at=one.created,
                )
                for one in some
            ),
            ignore_conflicts=True,
        )


def sweep() -> None:
    """Have each day compared once it is over, and days with differences again until they have none."""
    last = (timezone.now() - _REST).date() - timedelta(days=1)
    missing = _missing_days(last)
    again = Reconciliation.objects.filter(day__gt=last - _AGAIN_FOR, made_at__lt=Now() - _AGAIN_AFTER)
    wrong = again.exclude(differences=[], state=State.DONE).values_list("id", flat=True)
    if not missing and not wrong:
        return
    with transaction.atomic():
        Reconciliation.objects.bulk_create([Reconciliation(day=day) for day in missing], ignore_conflicts=True)
        fresh = Reconciliation.objects.filter(day__in=missing).values_list("id", flat=True)
        queue.enqueue_all(kinds.RECONCILE, [*fresh, *wrong])


def perform(lease: Lease) -> None:
    """Perform ``billing.reconcile``."""
    found = Reconciliation.objects.get(id=lease.subject)
    reconcile(found.day)


def not_reconciled(subject: UUID, fault: WorkFault) -> None:
    """Say on the day why it could not be compared."""
    Reconciliation.objects.filter(id=subject).update(
        state=State.FAILED, fault_message=fault.message[:500], made_at=Now()
    )


def _missing_days(last: date) -> list[date]:
    """The days up to ``last`` that nobody was asked to compare, from the first on which money moved."""
    newest = Reconciliation.objects.order_by("-day").values_list("day", flat=True).first()
    if newest is None:
        first = Transaction.objects.order_by("at", "id").values_list("at", flat=True).first()
        newest = last if first is None else first.astimezone(UTC).date() - timedelta(days=1)
    newest = max(newest, last - _AGAIN_FOR)
    return [newest + timedelta(days=number) for number in range(1, (last - newest).days + 1)]


def _matter(kind: str, source: str, own: str, intents: Mapping[str, str]) -> str:
    if kind in _CHARGES:
        return f"capture:{intents[source]}" if source in intents else ""
    if kind in _OF_SOURCE and source:
        return f"{_OF_SOURCE[kind]}:{source}"
    return f"{_OF_ITSELF[kind]}:{own}" if kind in _OF_ITSELF else ""


def _intents(charges: Collection[str]) -> dict[str, str]:
    """The PaymentIntents of charges, by charge."""
    found = Intent.objects.filter(charge_id__in=charges).exclude(charge_id="").exclude(stripe_id=None)
    return {charge: str(intent) for charge, intent in found.values_list("charge_id", "stripe_id")}


def _look_up_unknown_charges(mirrored: QuerySet[BalanceTransaction]) -> None:
    """Name the matter of charges that we did not know when they were mirrored."""
    unknown = mirrored.filter(matter="", type__in=_CHARGES)
    intents = _intents(list(unknown.values_list("source", flat=True)))
    for row in unknown.filter(source__in=intents):
        row.matter = _matter(row.type, row.source, row.stripe_id, intents)
        row.save(update_fields=["matter"])


def _post_what_only_stripe_knows(mirrored: QuerySet[BalanceTransaction]) -> None:
    """Post payouts, top-ups and Stripe's own fees, each once."""
    ours = Q()
    for beginning in (*_OUR_BANK, *_FEES):
        ours |= Q(matter__startswith=f"{beginning}:")
    posted = Transaction.objects.filter(key__in=mirrored.values("matter")).values("key")
    for row in mirrored.filter(ours, currency=settings.CURRENCY).exclude(matter__in=posted).exclude(amount=0, fee=0):
        to_bank = 0 if row.matter.startswith(_FEES) else -row.amount
        lines = [
            ledger.debit(Book.STRIPE_CLEARING, row.net),
            ledger.debit(Book.BANK, to_bank),
            ledger.debit(Book.STRIPE_FEES, -row.net - to_bank),
        ]
        ledger.post(row.matter, lines, currency=row.currency)


def _look_again(compared: Reconciliation) -> None:
    """Have the payments settled that the movements of each difference are of. Raises Unavailable.

    Also where the ledger has a part of it: a refund is in the books when it comes back, and what came back is not.
    """
    named = [name for difference in compared.differences for name in difference["transactions"]]
    rows = BalanceTransaction.objects.filter(stripe_id__in=named[:_AT_ONCE], type__in=_OF_PAYMENTS).exclude(source="")
    sources = dict.fromkeys((_OF_PAYMENTS[row.type], row.source) for row in rows.order_by("created_at", "stripe_id"))
    found = [_payment_of(kind, source) for kind, source in sources]
    with transaction.atomic():
        ours = Payment.objects.filter(id__in=[payment for payment in found if payment is not None]).order_by("id")
        queue.enqueue_all(kinds.SETTLE, ours.values_list("id", flat=True))


def _payment_of(kind: str, source: str) -> UUID | None:
    try:
        return at_stripe.payment_of(kind, source)
    except Refused:
        return None  # what Stripe does not show us stays a difference


def _cleared(**of: Any) -> dict[str, int]:
    """By how much transactions moved our balance at Stripe, by key."""
    entries = Entry.objects.filter(book=Book.STRIPE_CLEARING, **of)
    return dict(entries.values_list("transaction__key").annotate(moved=Sum("amount")))


def _matters_of(keys: Collection[str]) -> set[str]:
    """What transactions of the ledger are of, by their keys."""
    intents = _intents([key.partition(":")[2] for key in keys if key.startswith("fee:")])
    found = set()
    for key in keys:
        kind, _, name = key.partition(":")
        if kind == "fee":
            found.add(f"capture:{intents.get(name, name)}")
        else:
            found.add(f"{kind.removesuffix('-failed')}:{name}")
    return found


def _keys_of(matters: Collection[str]) -> dict[str, list[str]]:
    """The keys under which each of ``matters`` is in the ledger."""
    intents = [name for kind, _, name in (matter.partition(":") for matter in matters) if kind == "capture"]
    charges = dict(
        Intent.objects.filter(stripe_id__in=intents).exclude(charge_id="").values_list("stripe_id", "charge_id")
    )
    keys = {}
    for matter in matters:
        kind, _, name = matter.partition(":")
        more = {"capture": f"fee:{charges.get(name, name)}", "refund": f"refund-failed:{name}"}
        keys[matter] = [matter, *([more[kind]] if kind in more else [])]
    return keys


def _differences(matters: Collection[str]) -> list[dict[str, Any]]:
    """Each of ``matters`` by which the two sides differ, with both amounts."""
    found = []
    for some in _batches(sorted(matters), _AT_ONCE):
        keys = _keys_of(some)
        here = _cleared(transaction__key__in=[key for several in keys.values() for key in several])
        there: dict[str, int] = defaultdict(int)
        named: dict[str, list[str]] = defaultdict(list)
        mirrored = BalanceTransaction.objects.filter(matter__in=some).order_by("created_at", "stripe_id")
        for matter, name, net in mirrored.values_list("matter", "stripe_id", "net"):
            there[matter] += net
            named[matter].append(name)
        for matter, several in keys.items():
            posted = [here[key] for key in several if key in here]
            if sum(posted) != there[matter]:
                what = "amount" if posted and named[matter] else "missing_there" if posted else "missing_here"
                found.append(_difference(what, matter, there[matter], sum(posted), named[matter]))
    return found


def _unknown(seen: QuerySet[BalanceTransaction]) -> list[dict[str, Any]]:
    """What moved at Stripe that the ledger has no name for, or in another currency."""
    strange = seen.filter(Q(matter="") | ~Q(currency=settings.CURRENCY)).order_by("created_at", "stripe_id")
    what = dict.fromkeys(_CHARGES, "missing_here")
    return [
        _difference(what.get(row.type, "unknown"), f"{row.type}:{row.source}", row.net, 0, [row.stripe_id])
        for row in strange
    ]


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _difference(what: str, matter: str, stripe: int, ledger: int, transactions: list[str]) -> dict[str, Any]:
    return {"what": what, "matter": matter, "stripe": stripe, "ledger": ledger, "transactions": transactions}
