"""An order's life: drafted, quoted, placed, settled, delivered; or cancelled, failed, made again.

An order at price 0 passes the states of every order and skips hold and charge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from catalog import licensing
from catalog.models import Dataset, Licence, Version
from generation.orders.models import Order
from generation.orders.states import OrderMoved, move
from generation.runner import Checked, JobSpec, Needs
from generation.runs import lifecycle, probes, sources, workplace
from generation.runs.models import GeneratorVersion, Run, Source
from marketplace.accounts.models import Account
from marketplace.web.schema_forms import completed
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

QUOTE = "orders.quote"
SETTLE = "orders.settle"
FORGET_SOURCE = "orders.forget_source"

QUOTE_HELD = timedelta(hours=24)
TERMS = (
    "Made to order for this account. You may use this dataset, and what you derive from it, for any purpose inside "
    "your organisation, including to train models. It is synthetic and comes without warranty."
)
_NO_SEED = "00" * 16
#: Ends after which the upload has served. A failed order keeps it, for the same settings again, until it is a week old.
_SOURCE_SERVED = frozenset({Order.State.DELIVERED, Order.State.DECLINED, Order.State.CANCELLED})


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
        queue.enqueue(QUOTE, order.id)
        return order


def quote(lease: Lease) -> None:
    """Perform ``orders.quote``: ask the generator for its faults, layout and needs; price and hold the quote."""
    order = Order.objects.select_related("generator__generator__account", "source", "account").get(id=lease.subject)
    if order.state != Order.State.DRAFT or order.problems:
        return
    job = JobSpec(
        generator=order.generator.reference,
        params=order.parameters,
        units=order.units,
        seed=_NO_SEED,
        domain="quote",
        facts=None if order.source is None else order.source.facts,
        digest=order.generator.digest,
    )
    with workplace.faults_of_the_runner(), workplace.warm_runner(order.generator) as runner:
        checked = runner.check(job)
    problems = [{"field": p.field, "message": p.message, "remedy": p.remedy} for p in checked.problems]
    if checked.layout is not None and checked.needs is not None:
        problems += _beyond_limits(order.units, checked.layout, checked.needs)
    with lease.finishing():
        _note_quote(order.id, problems, checked)


def no_quote(order_id: UUID, fault: WorkFault) -> None:
    """Record on the draft why there is no quote."""
    Order.objects.filter(id=order_id, state=Order.State.DRAFT).update(
        problems=[{"field": "", "message": fault.message, "remedy": "Change the settings and ask again."}],
        fault_owner=fault.owner,
        fault_message=fault.message,
    )


def place(order: Order) -> Order:
    """Agree to the quote: a private dataset and its run begin. Raises OrderMoved when it cannot be agreed to."""
    with transaction.atomic():
        order = _locked(order.id)
        if order.state == Order.State.QUOTED and _has_expired(order):
            _end(order, Order.State.EXPIRED)
            return order
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
        return order


def settle(lease: Lease) -> None:
    """Perform ``orders.settle`` after the run: deliver what is ready; end with the run what failed."""
    with lease.finishing():
        order = _locked(lease.subject)
        if order.ended or order.run is None:
            return
        if order.run.state == Run.State.READY:
            _deliver(order, order.run)
        elif order.run.state == Run.State.FAILED:
            order.fault_owner, order.fault_message = order.run.fault_owner, order.run.fault_message
            _end(order, Order.State.FAILED)
        elif order.run.state == Run.State.CANCELLED:
            _end(order, Order.State.CANCELLED)


def settling_failed(order_id: UUID, fault: WorkFault) -> None:
    """Record that settling went wrong; the order stays where it is and the doctor reports it."""
    Order.objects.filter(id=order_id).update(fault_owner=fault.owner, fault_message=fault.message)


def cancel(order: Order) -> Order:
    """End an order that is not ended; nothing is charged. Raises OrderMoved when it is too late."""
    with transaction.atomic():
        order = _locked(order.id)
        _end(order, Order.State.CANCELLED)
        # The run may have become ready while its lock was waited for: what it is then decides.
        if order.run is not None and not lifecycle.cancel(order.run.id):
            order.run.refresh_from_db(fields=["state"])
            if order.run.state == Run.State.READY:
                raise OrderMoved("This order is made and about to be delivered, so it can no longer be cancelled.")
        return order


def again(order: Order) -> Order:
    """Return a new draft with the same settings. Raises OrderMoved when the uploaded file is gone."""
    if order.source is not None and order.source.state != Source.State.UNDERSTOOD:
        raise OrderMoved("The uploaded file is deleted when an order ends. Upload it again for a new order.")
    return draft(
        order.account,
        order.generator,
        parameters=order.parameters,
        units=order.units,
        splits=order.splits,
        source=order.source,
        again=order,
    )


def forget_source(lease: Lease) -> None:
    """Perform ``orders.forget_source``: delete what was uploaded, unless another order still needs it."""
    source = Source.objects.get(id=lease.subject)
    if not Order.objects.filter(source=source).exclude(state__in=Order.ENDED).exists():
        sources.delete(source)


def sweep() -> None:
    """Settle orders whose run ended unseen, and let quotes expire."""
    unseen = Order.objects.filter(state=Order.State.IN_PRODUCTION, run__state__in=Run.ENDED)
    with transaction.atomic():
        for order_id in unseen.values_list("id", flat=True)[:100]:
            queue.enqueue(SETTLE, order_id)
        lapsed = Order.objects.select_for_update().filter(state=Order.State.QUOTED, quoted_until__lt=Now())[:100]
        for order in lapsed:
            _end(order, Order.State.EXPIRED)


def _note_quote(order_id: UUID, problems: list[dict[str, str]], checked: Checked) -> None:
    order = _locked(order_id)
    if order.state != Order.State.DRAFT:
        return
    if problems or checked.layout is None or checked.needs is None:
        order.problems = problems
        order.save(update_fields=["problems"])
        return
    move(order, Order.State.QUOTED)
    order.quote = {
        "unit": checked.layout["unit"],
        "seconds": _seconds(order.units, checked.layout, checked.needs),
        "tables": [{"name": t["name"], "columns": len(t["schema"])} for t in checked.layout["tables"]],
    }
    order.quoted_at, order.quoted_until = Now(), Now() + QUOTE_HELD
    order.probe = probes.ask(order.account, order.generator, order.parameters, order.units, order.source)
    order.save()


def _seconds(units: int, layout: Mapping[str, Any], needs: Needs) -> float:
    """The estimate for one worker; several make it shorter."""
    return float(needs.prepare_seconds + needs.seconds_per_block * units / layout["block"])


def _beyond_limits(units: int, layout: Mapping[str, Any], needs: Needs) -> list[dict[str, str]]:
    """Why this job needs more than a worker may give, if it does."""
    seconds = _seconds(units, layout, needs)
    problems = []
    if needs.memory_mib > settings.RUN_MAX_MEMORY_MIB:
        problems.append(f"This needs {needs.memory_mib:,} MiB of memory; the limit is {settings.RUN_MAX_MEMORY_MIB:,}.")
    if needs.scratch_mib > settings.RUN_MAX_SCRATCH_MIB:
        problems.append(f"This needs {needs.scratch_mib:,} MiB of disk; the limit is {settings.RUN_MAX_SCRATCH_MIB:,}.")
    if seconds > settings.RUN_MAX_SECONDS:
        problems.append(
            f"This would take about {seconds / 3600:,.0f} h; the limit is {settings.RUN_MAX_SECONDS / 3600:,.0f} h."
        )
    return [{"field": "units", "message": text, "remedy": "Ask for fewer units, or smaller ones."} for text in problems]


def _deliver(order: Order, run: Run) -> None:
    """At price 0 nothing is charged: the licence is granted and the order is delivered in one step."""
    move(order, Order.State.SETTLING)
    order.settling_at = Now()
    licensing.grant(
        order.account,
        Version.objects.get(run=run.id),
        cause=licensing.Cause(Licence.Cause.ORDER, order.id),
        terms=TERMS,
    )
    _end(order, Order.State.DELIVERED)


def _end(order: Order, state: str) -> None:
    move(order, state)
    order.ended_at = Now()
    order.save()
    if order.source_id is not None and state in _SOURCE_SERVED:
        queue.enqueue(FORGET_SOURCE, order.source_id)


def _has_expired(order: Order) -> bool:
    return not Order.objects.filter(id=order.id, quoted_until__gte=Now()).exists()


def _locked(order_id: UUID) -> Order:
    return (
        Order.objects.select_for_update(of=("self",))
        .select_related("account", "generator__generator__account", "run", "source")
        .get(id=order_id)
    )
