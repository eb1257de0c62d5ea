"""What orders can check of "Always true" on a living system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from billing.models import Payment
from catalog.models import Licence
from generation.orders import ordering, quoting
from generation.orders.models import Order
from generation.runs.models import Run, Source
from marketplace.doctor import Fault, check
from marketplace.work.models import Piece, coming

_PATIENCE = timedelta(minutes=2)
#: Stripe may give no answer for a while, and then nothing is wrong here.
_PATIENCE_WITH_STRIPE = timedelta(minutes=30)


@check(promise=3)
def ordered_licences_have_their_order() -> Iterator[Fault]:
    """A licence with the cause ``order`` names a delivered order of the same account, whose run made the version."""
    order = Order.objects.filter(
        id=OuterRef("cause_id"), account=OuterRef("account"), run=OuterRef("version__run"), state=Order.State.DELIVERED
    )
    for licence in Licence.objects.filter(~Exists(order), cause_kind=Licence.Cause.ORDER).iterator():
        message = f"its cause, order {licence.cause_id}, is not one of its account that delivered this version."
        yield Fault(f"licence {licence.id}", message)


@check(promise=3)
def delivered_orders_have_their_licence() -> Iterator[Fault]:
    """A delivered order gave its account a licence to what its run made, under the terms that were agreed to."""
    licence = Licence.objects.filter(
        cause_kind=Licence.Cause.ORDER,
        cause_id=OuterRef("id"),
        account=OuterRef("account"),
        version__run=OuterRef("run"),
        terms=OuterRef("terms"),
    )
    for order in Order.objects.filter(~Exists(licence), state=Order.State.DELIVERED).iterator():
        yield Fault(f"order {order.id}", "it is delivered, and there is no licence to its version under its terms.")


@check(promise=3)
def nothing_is_charged_without_delivery() -> Iterator[Fault]:
    """What was charged for an order and not given back is charged for one that is delivered."""
    charged = Order.objects.filter(payment__captured__gt=F("payment__refunded"), payment__paid_at__lt=Now() - _PATIENCE)
    for order in charged.exclude(state=Order.State.DELIVERED).filter(payment__refunds=None).iterator():
        yield Fault(f"order {order.id}", f"it is {order.get_state_display()}, and its price was charged.")


@check(promise=3)
def deliveries_are_paid_for() -> Iterator[Fault]:
    """A delivered order that has a price was paid, and what was paid is that price."""
    delivered = Order.objects.filter(state=Order.State.DELIVERED, price__gt=0)
    for order in delivered.exclude(payment__captured=F("price")).iterator():
        yield Fault(f"order {order.id}", f"it is delivered, and its price of {order.price} was not charged as it is.")


@check(promise=3)
def holds_end_with_their_order() -> Iterator[Fault]:
    """Nothing is held for an order that ended, and no page is open where it could be paid."""
    late = Order.objects.filter(state__in=Order.ENDED_UNSOLD, ended_at__lt=Now() - _PATIENCE_WITH_STRIPE)
    for order in late.filter(payment__state__in=[Payment.State.OPEN, Payment.State.HELD]).iterator():
        yield Fault(f"order {order.id}", f"it is {order.get_state_display()}, and its payment was not let go of.")


@check(promise=7)
def orders_follow_their_payment() -> Iterator[Fault]:
    """An order whose payment moved moves soon after, and one that was not paid in two weeks ends."""
    since = Now() - _PATIENCE_WITH_STRIPE
    for order in Order.objects.standing_still().filter(payment__looked_at__lt=since).iterator():
        yield Fault(f"order {order.id}", f"it is {order.get_state_display()}, and did not follow its payment.")
    for order in Order.objects.filter(state=Order.State.SETTLING, settling_at__lt=since).iterator():
        yield Fault(f"order {order.id}", "it is made, and was neither charged nor found to be due.")
    unpaid = Order.objects.filter(state=Order.State.PAYMENT_DUE, payment__state=Payment.State.OPEN)
    for order in unpaid.filter(pay_until__lt=since).iterator():
        yield Fault(f"order {order.id}", "it was not paid in time and the sweep did not end it.")


@check(promise=7)
def drafts_are_quoted() -> Iterator[Fault]:
    """A draft has a quote coming, or says what is wrong with it."""
    drafts = Order.objects.filter(~coming(quoting.QUOTE), state=Order.State.DRAFT, problems=[])
    for order in drafts.filter(created_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"order {order.id}", "it is a draft and no work is left that would quote it.")


@check(promise=7)
def quotes_end_in_time() -> Iterator[Fault]:
    """A quote that nobody agreed to in time expires."""
    for order in Order.objects.lapsed().filter(quoted_until__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"order {order.id}", "its quote ran out and the sweep did not end it.")


@check(promise=7)
def orders_follow_their_run() -> Iterator[Fault]:
    """An order whose run ended is settled soon after; until then it waits for its run."""
    making = Order.objects.filter(state=Order.State.IN_PRODUCTION)
    late = making.filter(run__state__in=Run.ENDED, run__ended_at__lt=Now() - _PATIENCE)
    for order_id, state in late.values_list("id", "run__state").iterator():
        yield Fault(f"order {order_id}", f"its run is {state} and the order is not settled.")
    for order in making.filter(~coming(ordering.SETTLE), run__in=Run.objects.under_way()).iterator():
        yield Fault(f"order {order.id}", "it is being made and no work waits to settle it.")


@check(promise=7)
def nothing_of_orders_waits_for_what_ended() -> Iterator[Fault]:
    """Work of orders that waits for a run is released when the run ends."""
    ended = Run.objects.filter(id=OuterRef("after"), state__in=Run.ENDED, ended_at__lt=Now() - _PATIENCE)
    waiting = Piece.objects.filter(Exists(ended), state=Piece.State.WAITING, kind__startswith="orders.")
    for piece in waiting.iterator():
        yield Fault(f"piece {piece.id}", f"{piece.kind} waits for run {piece.after}, which has ended.")


@check(promise=7)
def uploads_go_with_their_order() -> Iterator[Fault]:
    """What was uploaded is deleted once an order with it ended for good, unless another is being made from it."""
    served = Order.objects.filter(
        source=OuterRef("id"), state__in=ordering.SOURCE_SERVED, ended_at__lt=Now() - _PATIENCE
    )
    kept = Order.objects.keeping(OuterRef("id"))
    for source in Source.objects.filter(Exists(served), ~Exists(kept)).exclude(state=Source.State.GONE).iterator():
        yield Fault(f"source {source.id}", "its order has ended and it is not deleted.")
