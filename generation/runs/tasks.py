"""The kinds of work of runs."""

from __future__ import annotations

from uuid import UUID

from generation.runs import (
    answers,
    assembling,
    judging,
    lifecycle,
    making,
    preparing,
    probes,
    replaying,
    selling,
    sources,
    workplace,
)
from generation.runs.drift import checks, versions
from generation.runs.models import Shard
from marketplace.work.faults import WorkFault
from marketplace.work.kinds import Kind, register, register_sweep


def _shard_given_up(shard: UUID, fault: WorkFault) -> None:
    lifecycle.fail(Shard.objects.values_list("run_id", flat=True).get(id=shard), fault)


def _stays_for_staff(subject: UUID, fault: WorkFault) -> None:
    """Nothing to record: the failed piece is there for staff to see."""


register(Kind(lifecycle.PREPARE, "generation", perform=preparing.prepare, give_up=lifecycle.fail))
register(Kind(lifecycle.SHARD, "generation", perform=making.make_shard, give_up=_shard_given_up))
register(Kind(lifecycle.ASSEMBLE, "publishing", perform=assembling.assemble, give_up=lifecycle.fail))
register(Kind(lifecycle.JUDGE, "generation", perform=judging.judge, give_up=lifecycle.fail))
register(Kind(lifecycle.ASSESS, "publishing", perform=assembling.assess, give_up=lifecycle.fail))
register(Kind(lifecycle.FORGET_STATE, "housekeeping", perform=preparing.forget, give_up=_stays_for_staff, attempts=10))
register(Kind(probes.PROBE, "interactive", perform=probes.make, give_up=probes.give_up))
register(Kind(sources.PARSE, "interactive", perform=sources.parse, give_up=sources.give_up))
register(Kind(replaying.REPLAY, "generation", perform=replaying.make, give_up=replaying.give_up))
register(Kind(answers.ANSWERS, "generation", perform=answers.make, give_up=answers.give_up))
register(Kind(versions.DRIFT, "generation", perform=versions.make, give_up=versions.give_up))
register(Kind(checks.COMPARE, "generation", perform=checks.compare, give_up=checks.give_up))
register(Kind(checks.DELETE, "housekeeping", perform=checks.delete, give_up=checks.stays_for_the_sweep, attempts=10))
register(Kind(selling.CHECK, "interactive", perform=selling.check, give_up=selling.give_up))
register(Kind(selling.TELL, "interactive", perform=selling.tell, give_up=_stays_for_staff))
register_sweep(sources.delete_stale)
register_sweep(checks.tidy)
register_sweep(workplace.clear_scratch)
