"""What a seller earned and what became of it, to the cent.

Each figure is a sum over the seller's payables, so that at any moment
``earned − refunded = pending + on hold + paid − owing``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from django.db.models import Aggregate, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Greatest, TruncMonth

from billing.models import OWED, Payable, Payment, PayoutHold, Purchase
from catalog.models import Licence
from marketplace.accounts.models import Account

_CHUNK = 500  # rows that an export holds in memory
_MONTHS = 12
_LISTINGS = 25  # that have a line of their own
#: What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    "paid_at",
    "payment",
    "what",
    "description",
    "listing",
    "currency",
    "paid_by_buyer",
    "tax",
    "commission",
    "yours",
    "refunded",
    "sent",
    "taken_back",
    "kept_for_debt",
    "state",
    "sent_from",
)
#: Of sales that are counted together: how many, what was earned, what went back, what was sent.
_SUMS: Final[Mapping[str, Aggregate]] = {
    "sales": Count("id"),
    "earned": Sum("amount", default=0),
    "gone": Sum("refunded", default=0),
    "sent_off": Sum(F("transferred") - F("reversed"), default=0),
}


@dataclass(frozen=True)
class Figures:
    """All in minor units.

    ``earned``: the seller's share of all that buyers paid, without tax and commission, before refunds.
    ``refunded``: the part of it that went back to buyers or their banks. ``pending``: owed, and waiting for its refund
    window, for the account at Stripe, or to be sent. ``on_hold``: owed, and kept back by an open dispute or a payout
    hold. ``paid``: what was sent, less what was taken back. ``owing``: what the seller has had too much, and owes us.
    """

    earned: int = 0
    refunded: int = 0
    pending: int = 0
    on_hold: int = 0
    paid: int = 0
    owing: int = 0


@dataclass(frozen=True)
class Month:
    """What was earned of payments of one month (UTC), by what was bought, and what of it went back since."""

    first: date
    licences: int = 0
    orders: int = 0
    refunded: int = 0

    @property
    def earned(self) -> int:
        """All that was earned in the month, before refunds."""
        return self.licences + self.orders


@dataclass(frozen=True)
class Line:
    """What was earned with one listing, with all others together, or with custom orders; in all, not in a month.

    ``dataset`` is ``None`` where it is not one listing.
    """

    title: str
    dataset: str | None
    sales: int = 0
    earned: int = 0
    refunded: int = 0
    paid: int = 0


def figures(account: Account) -> Figures:
    """The account's figures now, of one statement."""
    owed = Greatest(OWED, 0)
    sums = Payable.objects.filter(seller=account).aggregate(
        earned=Sum("amount", default=0),
        gone=Sum("refunded", default=0),
        owed=Sum(owed, default=0),
        disputed=Sum(owed, filter=Q(disputed__gt=0), default=0),
        sent=Sum(F("transferred") - F("reversed"), default=0),
        debt=Sum("carried", default=0),
        excess=Sum(Greatest(-OWED, 0), default=0),
    )
    held = PayoutHold.objects.in_force().filter(account=account).exists()
    on_hold = sums["owed"] if held else sums["disputed"]
    return Figures(
        earned=sums["earned"],
        refunded=sums["gone"],
        pending=sums["owed"] - on_hold,
        on_hold=on_hold,
        paid=sums["sent"],
        owing=sums["debt"] + sums["excess"],
    )


def months(account: Account, now: datetime) -> list[Month]:
    """The last twelve months, this one last; those without a sale too."""
    shown = _last_months(now.astimezone(UTC).date())
    orders = Q(payment__cause_kind=Licence.Cause.ORDER)
    found = (
        Payable.objects.filter(seller=account, created_at__gte=datetime(shown[0].year, shown[0].month, 1, tzinfo=UTC))
        .annotate(month=TruncMonth("created_at", tzinfo=UTC))
        .values("month")
        .annotate(
            earned=Sum("amount"), ordered=Sum("amount", filter=orders, default=0), gone=Sum("refunded", default=0)
        )
        .values_list("month", "earned", "ordered", "gone")
    )
    by_month = {
        month.date(): Month(month.date(), earned - ordered, ordered, gone) for month, earned, ordered, gone in found
    }
    return [by_month.get(first, Month(first)) for first in shown]


def lines(account: Account) -> list[Line]:
    """What earned most, listing by listing; all other licences as one line; custom orders. They sum to the figures."""
    sold = Payable.objects.filter(seller=account)
    listing = "payment__purchase__offer__listing"
    of_listings = sold.filter(payment__purchase__isnull=False).values_list(
        f"{listing}__dataset__title", f"{listing}__dataset__name"
    )
    most = of_listings.annotate(**_SUMS).order_by(F("earned").desc(), listing)[:_LISTINGS]
    shown = [Line(title, name, *sums) for title, name, *sums in most]
    orders = _line_of(sold.filter(payment__cause_kind=Licence.Cause.ORDER), "Custom orders")
    others = _without(_line_of(sold, "All other licences"), [*shown, orders])
    return [*shown, *(line for line in (others, orders) if line.sales)]


def as_csv(account: Account) -> Iterator[str]:
    """All that the account sold, line by line and oldest first, that no spreadsheet takes a title of for a formula."""
    writer = csv.writer(_Lines(), lineterminator="\r\n")
    yield writer.writerow(_COLUMNS)
    with_listing = "payment__purchase__offer__listing__dataset__account"
    sold = Payable.objects.filter(seller=account).select_related(with_listing).order_by("created_at", "id")
    for payable in sold.iterator(chunk_size=_CHUNK):
        yield writer.writerow(_line(payable))


def _line_of(sold: QuerySet[Payable], title: str) -> Line:
    sums = sold.aggregate(**_SUMS)
    return Line(title, None, *(sums[name] for name in _SUMS))


def _without(all_of_it: Line, others: Sequence[Line]) -> Line:
    """What of a line is in none of the ``others``."""
    counted = ("sales", "earned", "refunded", "paid")
    left = {name: getattr(all_of_it, name) - sum(getattr(line, name) for line in others) for name in counted}
    return replace(all_of_it, **left)


class _Lines:
    """Where a csv writer writes to when its lines go on at once."""

    def write(self, line: str) -> str:
        return line


def _line(payable: Payable) -> list[str]:
    payment = payable.payment
    amounts = [
        payment.captured,
        payment.tax,
        payment.captured - payment.tax - payable.amount,
        payable.amount,
        payable.refunded,
        payable.transferred,
        payable.reversed,
        payable.kept,
    ]
    return [
        _moment(payable.created_at),
        str(payment.id),
        "custom order" if payment.cause_kind == Licence.Cause.ORDER else "licence",
        _text(payment.description),
        _listing(payment),
        payable.currency,
        *(str(Decimal(amount).scaleb(-2)) for amount in amounts),
        payable.get_state_display(),
        _moment(payable.releasable_at),
    ]


def _listing(payment: Payment) -> str:
    """The dataset that was bought; empty for a custom order."""
    purchase: Purchase | None = getattr(payment, "purchase", None)
    return "" if purchase is None else str(purchase.offer.listing.dataset)


def _text(words: str) -> str:
    return f"'{words}" if words.startswith(_FORMULA) else words


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _last_months(today: date) -> list[date]:
    counted = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(counted - _MONTHS + 1, counted + 1)]
