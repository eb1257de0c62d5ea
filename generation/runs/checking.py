"""Whether something can be made, before it is planned: the generator is asked, in a child, and every reason told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from generation.runner import Checked, JobSpec, Needs, Runner, RunnerFault, plan
from generation.runs import workplace
from generation.runs.models import GeneratorVersion, Source
from marketplace.work.leases import Lease

_NO_SEED = "00" * 16

#: One thing that keeps something from being made: field, message and remedy.
Problem = dict[str, str]


def check(
    generator: GeneratorVersion,
    *,
    parameters: Mapping[str, Any],
    units: int,
    splits: Sequence[Mapping[str, Any]],
    source: Source | None,
    lease: Lease,
) -> tuple[list[Problem], Checked | None]:
    """All problems of a job, and what the generator says of it; with problems the latter may be ``None``."""
    with workplace.faults_of_the_runner(), workplace.warm_runner(generator, lease=lease) as runner:
        problems = _not_installed(generator, runner)
        if problems:
            return problems, None
        job = JobSpec(
            generator=generator.reference,
            params=dict(parameters),
            units=units,
            seed=_NO_SEED,
            domain="quote",
            facts=None if source is None else source.facts,
            digest=generator.digest,
        )
        with workplace.source_folder(source, holdout=generator.keeps_rows) as folder:
            checked = runner.check(job, folder)
    problems = [{"field": p.field, "message": p.message, "remedy": p.remedy} for p in checked.problems]
    if checked.layout is not None and checked.needs is not None:
        made = checked.units or units
        problems += _beyond_limits(made, checked.layout, checked.needs)
        problems += _unplannable(made, splits, checked.layout, checked.needs)
    return problems, checked


def replacement(version: GeneratorVersion) -> GeneratorVersion | None:
    """The version that took the place of this one: a reference leads to one code, that which was registered last."""
    newest = GeneratorVersion.objects.newest_first().filter(reference=version.reference)[0]
    return None if newest == version else newest


def seconds(units: int, layout: Mapping[str, Any], needs: Needs) -> float:
    """The estimate for one worker; several make it shorter."""
    return float(needs.prepare_seconds + needs.seconds_per_block * units / layout["block"])


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
        remedy = "Set it up anew: then the newest version is taken."
    return [{"field": "", "message": f"{version} is not installed any more.", "remedy": remedy}]


def _beyond_limits(units: int, layout: Mapping[str, Any], needs: Needs) -> list[Problem]:
    """Why this job needs more than a worker may give, if it does."""
    takes = seconds(units, layout, needs)
    problems = []
    if needs.memory_mib > settings.RUN_MAX_MEMORY_MIB:
        problems.append(f"This needs {needs.memory_mib:,} MiB of memory; the limit is {settings.RUN_MAX_MEMORY_MIB:,}.")
    if needs.scratch_mib > settings.RUN_MAX_SCRATCH_MIB:
        problems.append(f"This needs {needs.scratch_mib:,} MiB of disk; the limit is {settings.RUN_MAX_SCRATCH_MIB:,}.")
    if takes > settings.RUN_MAX_SECONDS:
        problems.append(
            f"This would take about {takes / 3600:,.0f} h; the limit is {settings.RUN_MAX_SECONDS / 3600:,.0f} h."
        )
    return [{"field": "units", "message": text, "remedy": "Ask for fewer units, or smaller ones."} for text in problems]


def _unplannable(
    units: int, splits: Sequence[Mapping[str, Any]], layout: Mapping[str, Any], needs: Needs
) -> list[Problem]:
    """Why so many units cannot be cut into these splits, if they cannot."""
    shares = [(split["name"], split["share"]) for split in splits]
    try:
        plan(units, layout["block"], needs.seconds_per_block, shares)
    except ValueError as error:
        field = "test_share" if len(shares) > 1 else "units"
        return [{"field": field, "message": f"{error}.", "remedy": "Change the amount, or make no test split."}]
    return []
