"""An order's life: drafted, placed, settled, delivered; or cancelled, failed, made again.

An order at price 0 passes the states of every order and skips hold and charge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from catalog import licensing, terms
from catalog.models import Dataset, Licence, Terms, Version
from generation.orders import letters, quoting
from generation.orders.models import Order
from generation.orders.states import OrderMoved, move
from generation.runs import checking, lifecycle, sources
from generation.runs.models import GeneratorVersion, Run, Source
from marketplace.accounts.models import Account
from marketplace.web.schema_forms import completed
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

SETTLE = "orders.settle"
FORGET_SOURCE = "orders.forget_source"

#: Ends after which the upload has served. A failed order keeps it, for the same settings again, until it is a week old.
SOURCE_SERVED = frozenset({Order.State.DELIVERED, Order.State.DECLINED, Order.State.CANCELLED})


def draft(
    account: Account,
    generator: GeneratorVersion,
    *,
    parameters: Mapping[str, Any],
    units: int,
    splits: Sequence[Mapping[str, Any]],
    source: Source | None,
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
            again=again,
        )
        queue.enqueue(quoting.QUOTE, order.id)
        return order


def place(order: Order) -> Order:
    """Agree to the quote: a private dataset and its run begin, under the terms of this moment.

    A quote that ran out, or whose generator's version another one replaced, expires instead. Raises OrderMoved when it
    cannot be agreed to.
    """
    with transaction.atomic():
        order = Order.objects.locked(order.id)
        if order.state == Order.State.QUOTED and _has_lapsed(order):
            _end(order, Order.State.EXPIRED)
            return order
        move(order, Order.State.AUTHORISED)
        _keep_source(order)
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
        order.terms = terms.standard(terms.Kind.ORDERED)
        order.placed_at = Now()
        order.save()
        queue.enqueue(SETTLE, order.id, after=order.run.id)
        return order


def settle(lease: Lease) -> None:
    """Perform ``orders.settle`` after the run: deliver what is ready; end with the run what failed."""
    with lease.finishing():
        _lock_run(lease.subject)
        order = Order.objects.locked(lease.subject)
        if order.ended or order.run is None or order.terms is None:
            return
        if order.run.state == Run.State.READY:
            _deliver(order, order.run, order.terms)
        elif order.run.state == Run.State.FAILED:
            order.fault_owner, order.fault_message = order.run.fault_owner, order.run.fault_message
            _end(order, Order.State.FAILED)
            letters.failed(order)
        elif order.run.state == Run.State.CANCELLED:
            _end(order, Order.State.CANCELLED)


def settling_failed(order_id: UUID, fault: WorkFault) -> None:
    """Record that settling went wrong; the order stays where it is and the doctor reports it."""
    Order.objects.filter(id=order_id).update(fault_owner=fault.owner, fault_message=fault.message)


def cancel(order: Order) -> Order:
    """End an order that is not ended; nothing is charged. Raises OrderMoved when it is too late."""
    with transaction.atomic():
        run = _lock_run(order.id)
        order = Order.objects.locked(order.id)
        if order.run == run:
            if run is not None and not order.ended and not lifecycle.cancel(run.id):
                _refuse_after(run)
            _end(order, Order.State.CANCELLED)
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
        again=order,
    )


def forget_source(lease: Lease) -> None:
    """Perform ``orders.forget_source``: delete what was uploaded, unless something is being made from it."""
    with lease.finishing():
        source = Source.objects.select_for_update().get(id=lease.subject)
        if not Order.objects.keeping(source.id).exists():
            sources.delete(source)


def sweep() -> None:
    """Settle orders whose run ended unseen, and let quotes expire."""
    unseen = Order.objects.filter(state=Order.State.IN_PRODUCTION, run__state__in=Run.ENDED)
    with transaction.atomic():
        for order in unseen[:100]:
            if order.run_id is not None:
                queue.catch_up(SETTLE, order.id, ended=order.run_id)
        lapsed = Order.objects.select_for_update(skip_locked=True).filter(
            state=Order.State.QUOTED, quoted_until__lt=Now()
        )
        for order in lapsed[:100]:
            _end(order, Order.State.EXPIRED)


def _deliver(order: Order, run: Run, agreed: Terms) -> None:
    """At price 0 nothing is charged: the licence is granted and the order is delivered in one step."""
    move(order, Order.State.SETTLING)
    order.settling_at = Now()
    licensing.grant(
        order.account,
        Version.objects.get(run=run.id),
        cause=licensing.Cause(Licence.Cause.ORDER, order.id),
        terms=agreed,
    )
    _end(order, Order.State.DELIVERED)
    letters.ready(order)


def _end(order: Order, state: str) -> None:
    move(order, state)
    order.ended_at = Now()
    order.save()
    if order.source_id is not None and state in SOURCE_SERVED:
        # Whoever asks now whether the source is still kept ends first, and is asked again.
        Source.objects.select_for_update().get(id=order.source_id)
        queue.enqueue(FORGET_SOURCE, order.source_id)


def _keep_source(order: Order) -> None:
    """See that the upload is there, and that nobody deletes it before this transaction ends. Raises OrderMoved."""
    if order.source_id is not None:
        _refuse_gone(Source.objects.select_for_update().get(id=order.source_id))


def _refuse_gone(source: Source | None) -> None:
    for problem in quoting.gone(source):
        raise OrderMoved(f"{problem['message']} {problem['remedy']}")


def _has_lapsed(order: Order) -> bool:
    """Can the quote no longer be kept? The order then says why, where it is more than its time that is over."""
    newer = checking.replacement(order.generator)
    if newer is not None:
        order.fault_message = f"{newer} took the place of {order.generator}, so this quote can no longer be kept."
        return True
    return not Order.objects.filter(id=order.id, quoted_until__gte=Now()).exists()


def _refuse_after(run: Run) -> None:
    """Raise OrderMoved if the run came to an end that the order must follow."""
    if run.state == Run.State.READY:
        raise OrderMoved("This order is made and about to be delivered, so it can no longer be cancelled.")
    if run.state == Run.State.FAILED:
        raise OrderMoved("This order failed, so there is nothing to cancel. Nothing was charged.")


def _lock_run(order_id: UUID) -> Run | None:
    """Lock the order's run, if it has one. The order of locks is run, order, and then the rest."""
    return Run.objects.select_for_update(of=("self",)).filter(order=order_id).first()
