"""An order's beginning and its early ends: drafted, placed, begun; cancelled, or made again.

An order at price 0 passes the states of every order and skips hold and charge. Any other begins once its payment is
held, or its card saved; ``generation.orders.settling`` goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from billing import payments, refunds
from billing.models import Payment
from catalog import terms
from catalog.licensing import Cause
from catalog.models import Dataset, Licence
from generation.orders import quoting
from generation.orders.models import Order
from generation.orders.states import OrderMoved, move
from generation.runs import checking, lifecycle, registry, sources
from generation.runs.models import GeneratorVersion, Run, Source
from generation.runs.thresholds import Threshold
from marketplace.accounts.models import Account
from marketplace.web.schema_forms import completed
from marketplace.work import queue
from marketplace.work.leases import Lease

SETTLE = "orders.settle"
FORGET_SOURCE = "orders.forget_source"

#: Ends after which the upload has served. A failed order keeps it, for the same settings again, until it is a week old.
SOURCE_SERVED = frozenset({Order.State.DELIVERED, Order.State.DECLINED, Order.State.CANCELLED, Order.State.LAPSED})


def draft(
    account: Account,
    generator: GeneratorVersion,
    *,
    parameters: Mapping[str, Any],
    units: int,
    splits: Sequence[Mapping[str, Any]],
    source: Source | None,
    thresholds: Sequence[Threshold] = (),
    again: Order | None = None,
) -> Order:
    """Return a new order and have it quoted; the quote appears when an interactive worker has checked the job."""
    with transaction.atomic():
        order = Order.objects.create(
            account=account,
            generator=generator,
            parameters=completed(generator.description["parameters"], parameters),
            units=units,
            splits=list(splits),
            source=source,
            thresholds=[threshold.as_json() for threshold in thresholds],
            again=again,
        )
        queue.enqueue(quoting.QUOTE, order.id)
        return order


def place(order: Order) -> Order:
    """Agree to the quote, under the terms of this moment. At price 0 the order begins.

    Else its payment does, and the order stays quoted until that is held; placing it again changes nothing then. A quote
    that ran out, or whose generator's version another one replaced, expires instead. Raises OrderMoved when it cannot
    be agreed to.
    """
    with transaction.atomic():
        order = Order.objects.locked(order.id)
        if order.state == Order.State.QUOTED and not order.secured and _has_lapsed(order):
            end(order, Order.State.EXPIRED)
            return order
        if order.state != Order.State.QUOTED:
            move(order, Order.State.AUTHORISED)
        if order.payment is not None:
            return order
        _keep_source(order)
        order.terms = terms.standard(terms_of(order))
        if order.price == 0:
            begin(order)
        else:
            begin_payment(order)
        return order


def terms_of(order: Order) -> str:
    """The kind of terms that an order is made under: another one where the buyer's own rows come back."""
    return terms.Kind.KEPT if order.generator.keeps_rows else terms.Kind.ORDERED


def begin(order: Order) -> None:
    """Have the data of an order made that is agreed to: a private dataset and its run. The caller holds its lock.

    Raises OrderMoved when its upload is gone.
    """
    _keep_source(order)
    move(order, Order.State.AUTHORISED)
    move(order, Order.State.IN_PRODUCTION)
    dataset = Dataset.objects.create(
        account=order.account,
        name=f"order-{str(order.id)[-12:]}",
        title=f"{order.generator.title}, {order.units:,} {order.quote['unit']}s",
    )
    order.run = lifecycle.plan_run(
        dataset=dataset,
        generator=order.generator,
        parameters=order.parameters,
        units=order.units,
        splits=order.splits,
        source=order.source,
        licensed_to_owner=False,
    )
    order.placed_at = Now()
    order.save()
    queue.enqueue(SETTLE, order.id, after=order.run.id)


def begin_payment(order: Order) -> None:
    """Begin the payment of an order, under its lock; nothing is asked of Stripe yet. The order hears when it moves."""
    owner = order.generator.generator.account
    order.payment = payments.begin(
        order.account,
        seller=None if owner.slug == registry.HOUSE else owner,
        amount=order.price,
        currency=order.currency,
        description=f"Order {order.short}: {order.generator.title}, {order.units:,} {order.quote['unit']}s"[:200],
        capture=Payment.Capture.AT_DELIVERY,
        cause=Cause(Licence.Cause.ORDER, order.id),
    )
    order.save()
    queue.enqueue(SETTLE, order.id, after=order.payment.id)


def cancel(order: Order) -> Order:
    """End an order that is not ended; nothing is charged. Raises OrderMoved when it is too late."""
    with transaction.atomic():
        run = _lock_run(order.id)
        order = Order.objects.locked(order.id)
        if order.run == run:
            if run is not None and not order.ended and not lifecycle.cancel(run.id):
                _refuse_after(run)
            end(order, Order.State.CANCELLED)
            return order
    # It was placed between the two locks, and a run is locked before its order: once more, with the run that it has.
    return cancel(order)


def again(order: Order) -> Order:
    """Return a new draft with the same settings, by the newest version of the generator.

    Raises OrderMoved when the uploaded file is gone.
    """
    _refuse_gone(order.source)
    return draft(
        order.account,
        order.generator.generator.versions.newest_first()[0],
        parameters=order.parameters,
        units=order.units,
        splits=order.splits,
        source=order.source,
        thresholds=[Threshold(**held) for held in order.thresholds],
        again=order,
    )


def end(order: Order, state: str) -> None:
    """End an order, under its lock. What was held for it is let go of, unless it is delivered."""
    move(order, state)
    order.ended_at = Now()
    if order.run_id is not None:
        shards = Run.objects.filter(id=order.run_id).aggregate(seconds=Sum("shards__cpu_seconds"))
        order.computed = shards["seconds"] or 0.0
        order.compute_paid_by = _payer(order)
    order.save()
    payment = order.payment
    if payment is not None and state != Order.State.DELIVERED and not _is_over(payment):
        payments.let_go(payment.id)
        queue.enqueue(SETTLE, order.id, after=payment.id)
    if order.source_id is not None and state in SOURCE_SERVED:
        # Whoever asks now whether the source is still kept ends first, and is asked again.
        Source.objects.select_for_update(no_key=True).get(id=order.source_id)
        queue.enqueue(FORGET_SOURCE, order.source_id)


def _is_over(payment: Payment) -> bool:
    """Is nothing of it held or kept?"""
    back = payment.state == Payment.State.PAID and refunds.all_asked_back(payment)
    return back or payment.state == Payment.State.CANCELLED


def replaced(order: Order) -> bool:
    """Did another version take the place of the generator's? The order then says so."""
    newer = checking.replacement(order.generator)
    if newer is None:
        return False
    order.fault_message = f"{newer} took the place of {order.generator}, so this quote can no longer be kept."
    return True


def forget_source(lease: Lease) -> None:
    """Perform ``orders.forget_source``: delete what was uploaded, unless something is being made from it."""
    with lease.finishing():
        source = Source.objects.select_for_update(no_key=True).get(id=lease.subject)
        if not Order.objects.keeping(source.id).exists():
            sources.delete(source)


def sweep() -> None:
    """Let quotes expire; the payment of one that nobody paid in time is let go of."""
    with transaction.atomic():
        lapsed = Order.objects.lapsed().select_for_update(no_key=True, of=("self",), skip_locked=True)
        for order in lapsed.select_related(*Order.TOLD)[:100]:
            end(order, Order.State.EXPIRED)


def _keep_source(order: Order) -> None:
    """See that the upload is there, and that nobody deletes it before this transaction ends. Raises OrderMoved."""
    if order.source_id is not None:
        _refuse_gone(Source.objects.select_for_update(no_key=True).get(id=order.source_id))


def _refuse_gone(source: Source | None) -> None:
    for problem in quoting.gone(source):
        raise OrderMoved(f"{problem['message']} {problem['remedy']}")


def _payer(order: Order) -> str:
    """Whose the computing is, when nothing was sold: who asked and went away, or whoever was at fault."""
    if order.state == Order.State.DELIVERED:
        return ""
    if order.state in {Order.State.CANCELLED, Order.State.LAPSED}:
        return Order.Payer.BUYER
    owner = Order.Payer.SELLER if order.state == Order.State.DECLINED else order.fault_owner
    if owner == Order.Payer.SELLER and order.generator.generator.account.slug == registry.HOUSE:
        return Order.Payer.PLATFORM
    return owner


def _has_lapsed(order: Order) -> bool:
    """Can the quote no longer be kept? The order then says why, where it is more than its time that is over."""
    return replaced(order) or not Order.objects.filter(id=order.id, quoted_until__gte=Now()).exists()


def _refuse_after(run: Run) -> None:
    """Raise OrderMoved if the run came to an end that the order must follow."""
    if run.state == Run.State.READY:
        raise OrderMoved("This order is made and about to be delivered, so it can no longer be cancelled.")
    if run.state == Run.State.FAILED:
        raise OrderMoved("This order failed, so there is nothing to cancel. Nothing was charged.")


def _lock_run(order_id: UUID) -> Run | None:
    """Lock the order's run, if it has one. The order of locks is run, payment, order, and then the rest."""
    return Run.objects.select_for_update(no_key=True, of=("self",)).filter(order=order_id).first()
