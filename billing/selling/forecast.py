"""When a seller is paid next, and how much, as things stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import DateField, Sum, Value
from django.db.models.functions import Greatest, TruncDate

from billing.models import OWED, Payable, PayoutHold, SellerAccount
from billing.selling import debts


@dataclass(frozen=True)
class Forecast:
    """The next payout: ``amount`` minor units on ``day`` (UTC), after ``kept`` for what the seller owes us.

    Without a day nothing is expected, and ``why_not`` says why: empty when nothing is owed.
    """

    day: date | None
    amount: int
    kept: int
    why_not: str = ""


def forecast(seller: SellerAccount, now: datetime) -> Forecast:
    """What is sent next if nothing is refunded, disputed or held meanwhile; what is late is sent today."""
    waiting = Payable.objects.filter(
        seller=seller.account_id, state__in=[Payable.State.PENDING, Payable.State.RELEASABLE], disputed=0
    )
    today = Value(now.astimezone(UTC).date(), output_field=DateField())
    days = (
        waiting.annotate(day=Greatest(TruncDate("releasable_at", tzinfo=UTC), today))
        .values("day")
        .annotate(released=Sum(OWED))
        .order_by("day")
        .values_list("day", "released")
    )
    return next_payout(days, debts.debt(seller.account_id), _keeps(seller))


def next_payout(days: Iterable[tuple[date, int]], debt: int, why_not: str) -> Forecast:
    """The first of ``days``, each with what is released on it, that leaves something after the ``debt`` is paid."""
    kept = 0
    for day, owed in days:
        paid = min(owed, debt - kept)
        kept += paid
        if owed > paid:
            return Forecast(None, 0, 0, why_not) if why_not else Forecast(day, owed - paid, kept)
    return Forecast(None, 0, kept, "What is owed pays what you owe us." if kept else "")


def _keeps(seller: SellerAccount) -> str:
    if PayoutHold.objects.in_force().filter(account=seller.account_id).exists():
        return "Payouts are on hold."
    if seller.state != SellerAccount.State.ACTIVE:
        return f"Your account at Stripe is {seller.get_state_display()}."
    return ""
