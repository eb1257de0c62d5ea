"""From a draft to a quote, or to every reason why there is none: the generator itself is asked, in a child."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from generation.orders.models import Order
from generation.orders.states import move
from generation.runner import Checked, JobSpec, Needs, Runner, RunnerFault, plan
from generation.runs import probes, workplace
from generation.runs.models import GeneratorVersion, Source
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

QUOTE = "orders.quote"
QUOTE_HELD = timedelta(hours=24)
_NO_SEED = "00" * 16

#: One thing that keeps an order from being quoted: field, message and remedy.
Problem = dict[str, str]


def quote(lease: Lease) -> None:
    """Perform ``orders.quote``: ask the generator for its faults, layout and needs; price and hold the quote."""
    order = Order.objects.select_related("generator__generator__account", "source", "account").get(id=lease.subject)
    if order.state != Order.State.DRAFT or order.problems:
        return
    checked = None
    problems = gone(order.source)
    if not problems:
        with workplace.faults_of_the_runner(), workplace.warm_runner(order.generator, lease=lease) as runner:
            problems = _not_installed(order.generator, runner)
            checked = None if problems else runner.check(_job(order))
    if checked is not None:
        problems = _problems(order, checked)
    with lease.finishing():
        _note(order.id, problems, checked)


def no_quote(order_id: UUID, fault: WorkFault) -> None:
    """Record on the draft why there is no quote."""
    Order.objects.filter(id=order_id, state=Order.State.DRAFT).update(
        problems=[{"field": "", "message": fault.message, "remedy": "Change the settings and ask again."}],
        fault_owner=fault.owner,
        fault_message=fault.message,
    )


def gone(source: Source | None) -> list[Problem]:
    """Why nothing can be made from the upload, if nothing can."""
    if source is None or source.state == Source.State.UNDERSTOOD:
        return []
    remedy = "Upload it again and set up a new order."
    return [{"field": "file", "message": "The uploaded file is deleted.", "remedy": remedy}]


def replacement(version: GeneratorVersion) -> GeneratorVersion | None:
    """The version that took the place of this one: a reference leads to one code, that which was registered last."""
    newest = GeneratorVersion.objects.newest_first().filter(reference=version.reference)[0]
    return None if newest == version else newest


def _not_installed(version: GeneratorVersion, runner: Runner) -> list[Problem]:
    """Why this version can make nothing here, if its code is not what its reference leads to."""
    try:
        if runner.describe().digest == version.digest:
            return []
    except RunnerFault as fault:
        if fault.again:
            raise
    remedy = "The fault is ours. Try again later."
    if replacement(version) is not None:
        remedy = "Set up a new order: it takes the newest version."
    return [{"field": "", "message": f"{version} is not installed any more.", "remedy": remedy}]


def _job(order: Order) -> JobSpec:
    return JobSpec(
        generator=order.generator.reference,
        params=order.parameters,
        units=order.units,
        seed=_NO_SEED,
        domain="quote",
        facts=None if order.source is None else order.source.facts,
        digest=order.generator.digest,
    )


def _problems(order: Order, checked: Checked) -> list[Problem]:
    problems = [{"field": p.field, "message": p.message, "remedy": p.remedy} for p in checked.problems]
    if checked.layout is not None and checked.needs is not None:
        problems += _beyond_limits(order.units, checked.layout, checked.needs)
        problems += _unplannable(order, checked.layout, checked.needs)
    return problems


def _note(order_id: UUID, problems: list[Problem], checked: Checked | None) -> None:
    order = Order.objects.locked(order_id)
    if order.state != Order.State.DRAFT:
        return
    if problems or checked is None or checked.layout is None or checked.needs is None:
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


def _beyond_limits(units: int, layout: Mapping[str, Any], needs: Needs) -> list[Problem]:
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


def _unplannable(order: Order, layout: Mapping[str, Any], needs: Needs) -> list[Problem]:
    """Why so many units cannot be cut into these splits, if they cannot."""
    splits = [(split["name"], split["share"]) for split in order.splits]
    try:
        plan(order.units, layout["block"], needs.seconds_per_block, splits)
    except ValueError as error:
        field = "test_share" if len(splits) > 1 else "units"
        return [{"field": field, "message": f"{error}.", "remedy": "Change the amount, or make no test split."}]
    return []
