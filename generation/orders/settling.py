"""An order after its payment moved or its run ended: begun, declined, charged, delivered, due, lapsed.

Nothing is captured before delivery: the version is there when the charge is made, and the licence is granted in the
transaction that sees the charge. Whatever ends otherwise lets go of what is held. Calls to Stripe lie between two
transactions, so a process may die anywhere: the next one looks where the order and its payment stand and goes on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from billing import disputes, payments, refunds
from billing.models import Payment, Refund
from billing.processor import Unavailable
from catalog import licensing
from catalog.certificates import Paid
from catalog.models import Licence, Version
from generation.orders import letters, ordering
from generation.orders.models import Order
from generation.orders.ordering import SETTLE
from generation.orders.states import OrderMoved, move
from generation.runs import thresholds
from generation.runs.models import Run
from generation.runs.thresholds import Unmet
from marketplace.work import queue
from marketplace.work.faults import PlatformFault, WorkFault
from marketplace.work.leases import Lease
from marketplace.work.models import Piece

#: How long what is made is kept for whoever still has to pay.
KEPT_UNPAID: Final = timedelta(days=14)
_S = Order.State
_AT_ONCE: Final = 100
_SOON: Final = timedelta(seconds=5)
_LATER: Final = timedelta(hours=1)


def settle(lease: Lease) -> None:
    """Perform ``orders.settle``, after the payment moved or the run ended: do what follows, then wait for the next."""
    broken = _broken(lease.subject)
    with transaction.atomic():
        order = _locked(lease.subject)
        _hear(order, broken)
    tried = order.state == _S.SETTLING
    _charge(order)
    with lease.finishing():
        order = _locked(lease.subject)
        _conclude(order, tried=tried)
        _go_on(order)


def settling_failed(order_id: UUID, fault: WorkFault) -> None:
    """Record that settling went wrong; the order stays where it is, and the sweep tries again."""
    Order.objects.filter(id=order_id).update(fault_owner=fault.owner, fault_message=fault.message)


def sweep() -> None:
    """Go on with orders whose run ended or whose payment moved unseen; end those that were not paid in two weeks."""
    for_orders = Piece.objects.filter(kind=SETTLE, subject=OuterRef("id"))
    at_work = Exists(for_orders.filter(state__in=[Piece.State.DUE, Piece.State.LEASED]))
    with transaction.atomic():
        unseen = Order.objects.filter(state=_S.IN_PRODUCTION, run__state__in=Run.ENDED)
        for run_id in unseen.values_list("run", flat=True)[:_AT_ONCE]:
            queue.release(run_id)
        stuck = (unseen | Order.objects.standing_still()).filter(~at_work)
        for order_id in stuck.values_list("id", flat=True)[:_AT_ONCE]:
            queue.enqueue(SETTLE, order_id)
        late = Order.objects.filter(state=_S.PAYMENT_DUE, pay_until__lt=Now(), payment__state=Payment.State.OPEN)
        for order in late.select_for_update(no_key=True, of=("self",), skip_locked=True).select_related(*Order.TOLD)[
            :_AT_ONCE
        ]:
            ordering.end(order, _S.LAPSED)
            letters.lapsed(order)


def _hear(order: Order, broken: list[Unmet] | None) -> None:
    """Take the step that payment and run allow by now, short of charging. The caller holds the locks."""
    if order.state == _S.QUOTED:
        _hear_payment(order)
    elif order.state == _S.IN_PRODUCTION and order.run is not None:
        _hear_run(order, order.run, broken)


def _hear_payment(order: Order) -> None:
    if order.payment is not None and order.payment.state == Payment.State.CANCELLED:
        order.payment = None  # given up at Stripe: the quote can still be agreed to
        order.save(update_fields=["payment"])
    elif order.secured:
        try:
            if ordering.replaced(order):
                raise OrderMoved(order.fault_message)
            ordering.begin(order)
        except OrderMoved as why:
            order.fault_message = str(why)
            ordering.end(order, _S.EXPIRED)


def _hear_run(order: Order, run: Run, broken: list[Unmet] | None) -> None:
    if run.state == Run.State.READY and broken is None:
        return  # it became ready since we looked, and released the piece that looks again
    if run.state == Run.State.READY and broken:
        order.unmet = [one.as_json() for one in broken]
        ordering.end(order, _S.DECLINED)
        letters.declined(order)
    elif run.state == Run.State.READY:
        move(order, _S.SETTLING)
        order.settling_at = Now()
        order.save()
    elif run.state == Run.State.FAILED:
        order.fault_owner, order.fault_message = run.fault_owner, run.fault_message
        ordering.end(order, _S.FAILED)
        letters.failed(order)
    elif run.state == Run.State.CANCELLED:
        ordering.end(order, _S.CANCELLED)


def _charge(order: Order) -> None:
    """Take what is held for an order that is made, or charge its saved card. Raises PlatformFault to be tried again."""
    if order.payment is None or order.state not in {_S.SETTLING, _S.PAYMENT_DUE}:
        return
    try:
        if order.payment.state == Payment.State.HELD:
            payments.capture(order.payment)
        elif order.state == _S.SETTLING and order.charged_later:
            payments.charge_saved(order.payment)
    except Unavailable as silence:
        raise PlatformFault(f"Stripe gave no answer: {silence}", again=True) from silence


def _conclude(order: Order, *, tried: bool) -> None:
    """Deliver what is paid; what is made, and was ``tried`` to be charged in vain, is due.

    Money that came and went back, before we heard that it came, pays for nothing.
    """
    payment = order.payment
    paid = payment is None or payment.state == Payment.State.PAID
    if order.state in {_S.SETTLING, _S.PAYMENT_DUE} and paid:
        if payment is not None and (refunds.all_asked_back(payment) or disputes.was_lost(payment)):
            _lapse(order, payment)
        else:
            _deliver(order)
    elif order.state == _S.SETTLING and tried and payment is not None and payment.state != Payment.State.HELD:
        move(order, _S.PAYMENT_DUE)
        order.pay_until = Now() + KEPT_UNPAID
        order.save()
        order.refresh_from_db(fields=["pay_until"])
        letters.payment_due(order)
    elif order.state in Order.ENDED_UNSOLD and payment is not None and paid:
        _give_back(payment)
    if order.state == _S.PAYMENT_DUE and payment is not None and payment.state == Payment.State.CANCELLED:
        ordering.begin_payment(order)  # it was let go of, by staff or by Stripe, and what is made can still be had


def _go_on(order: Order) -> None:
    """See that the order hears of what its payment does next, or goes on soon with what it did meanwhile."""
    payment = order.payment
    if payment is None or order.state in {_S.IN_PRODUCTION, _S.DELIVERED}:
        return
    if order.ended:
        if payment.state in {Payment.State.OPEN, Payment.State.HELD}:
            payments.let_go(payment.id)
            queue.enqueue(SETTLE, order.id, after=payment.id)
    elif payment.state == Payment.State.OPEN and not (order.state == _S.QUOTED and order.secured):
        queue.enqueue(SETTLE, order.id, after=payment.id)
    else:
        queue.enqueue(SETTLE, order.id, delay=_pause(order))


def _pause(order: Order) -> timedelta:
    """How long to wait before looking again: the longer, the longer Stripe has refused to take what is held."""
    waited = timezone.now() - order.settling_at if order.settling_at else timedelta(0)
    return min(max(waited / 4, _SOON), _LATER)


def _deliver(order: Order) -> None:
    """Grant the licence. The caller saw the payment, under its lock."""
    if order.run is None or order.terms is None:
        raise ValueError(f"{order} has nothing to deliver")
    payment = order.payment
    licensing.grant(
        order.account,
        Version.objects.get(run=order.run.id),
        cause=licensing.Cause(Licence.Cause.ORDER, order.id),
        terms=order.terms,
        paid=None if payment is None else Paid(order.id, payment.captured, payment.currency),
    )
    if payment is not None:
        disputes.suspend(payment)
    ordering.end(order, _S.DELIVERED)
    letters.ready(order)


def _lapse(order: Order, payment: Payment) -> None:
    """End an order whose money went back; what is left of it goes the same way."""
    _give_back(payment)
    if order.state == _S.SETTLING:
        move(order, _S.PAYMENT_DUE)
    ordering.end(order, _S.LAPSED)
    letters.lapsed(order)


def _give_back(payment: Payment) -> None:
    """Nothing is delivered any more, so what was paid goes back, once."""
    left = refunds.returnable(payment)
    if left and not payment.refunds.filter(reason=Refund.Reason.NOT_DELIVERED).exists():
        refunds.ask(payment, left, reason=Refund.Reason.NOT_DELIVERED)


def _broken(order_id: UUID) -> list[Unmet] | None:
    """The thresholds that what was made does not keep, ``None`` while it is not made; read before any lock is taken."""
    order = Order.objects.select_related("run").get(id=order_id)
    if order.state != _S.IN_PRODUCTION or order.run is None or order.run.state != Run.State.READY:
        return None
    return thresholds.unmet(order.thresholds, Version.objects.get(run=order.run.id)) if order.thresholds else []


def _locked(order_id: UUID) -> Order:
    """The order under the locks of its run, its payment and itself, in this order."""
    Run.objects.select_for_update(no_key=True, of=("self",)).filter(order=order_id).first()
    Payment.objects.select_for_update(no_key=True, of=("self",)).filter(order=order_id).first()
    return Order.objects.locked(order_id)
