"""What made rows are held to: the parts they are drawn for, relations found, rules declared; learned and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.conditions import (
    Cells,
    Parts,
    Wishes,
    cells_of,
    demands,
    effective_rows,
    impossible,
    rake,
    side_by_side,
)
from generation.generators.tabular.fitted.demanded import Demanded, cut, part_plans
from generation.generators.tabular.fitted.fates import fates_of
from generation.generators.tabular.fitted.making import Trial, cells_of_donors, make_donors, share_kept
from generation.generators.tabular.fitted.privacy import Bools, K, People
from generation.generators.tabular.fitted.rules import Choices, learn_choices
from generation.generators.tabular.fitted.settling import Held, bound_by, leading_to
from generation.generators.tabular.fitted.store import from_state
from generation.generators.tabular.fitted.understanding import PROSE, ColumnPlan
from generation.relations import (
    Lookup,
    Relation,
    Sample,
    as_json,
    evenly,
    find,
    find_lookups,
    from_json,
    sample_of,
)
from generation.sdk import Json, State, Streams
from generation.sdk.rules import Rule, columns_in

_SCARCE = 0.1  # of the rows come to rest: the others would be copies of those
Found = Relation | Lookup


class _CannotMeet(ValueError):
    """What was learned cannot give what is asked."""


def with_parts(rows: pa.Table, wishes: Wishes, people: People) -> tuple[pa.Table, list[Parts]]:
    """Return the rows with the columns of ``part_plans``, and the parts.

    Rows of a part that fewer than ``K`` people lie in count to the commonest one there.
    """
    parts = cut(wishes, rows) if wishes.columns else []
    for plan, one in zip(part_plans(wishes), parts, strict=True):
        held = people.holders(one.rows, len(one)) >= K
        place = np.where(held[one.rows], one.rows, np.bincount(one.rows).argmax())
        rows = rows.append_column(plan.name, pa.array(place).cast(pa.string()))
    return rows, parts


def learn_held(
    asked: Demanded,
    rows: pa.Table,
    parts: Sequence[Parts],
    plans: Sequence[ColumnPlan],
    offered: Sequence[str] | None,
    state: State,
    people: People,
    target: str | None,
    streams: Streams,
) -> State:
    """Learn what ``make_rows`` needs; ``state`` is what the model learned. Nothing of it is a value of few people.

    A relation that would take more of a column's likeness than it is worth is told of and not held. One that leaves
    hardly any rows of what is asked is let go, and told of too.
    Raises ``ValueError`` when what was learned cannot give what is asked, which a quote would have said.
    """
    wishes = asked.wishes
    found, lookups, let_go, sample = _found(asked, rows, plans, offered, people, target)
    fates = fates_of(found, sample, state, [*plans, *part_plans(wishes)], streams)
    kept: list[Found] = [*(one for one in found if not fates[one.formula]["kept"]), *lookups]
    tests = tuple(Rule("", tuple(wishes.tests_of(name))) for name in wishes.columns)
    held: dict[str, Any] = {
        "choices": {name: one.as_json() for name, one in learn_choices([*asked.rules, *tests], rows, people).items()},
        "passes": [one.passes.tolist() for one in parts],
    }
    cells = len(from_state(state).cells.codes)
    while True:
        held |= _with_relations(kept)
        trial = make_donors(held_in({"held": held}), asked, plans, state, streams, cells)
        if trial is None:
            break
        in_the_way = _in_the_way(kept, trial)
        try:
            if trial.rest <= (_SCARCE if in_the_way else 0):
                raise _CannotMeet("no rows like those that were learned from keep all rules")
            if wishes.columns:
                held |= _shares(wishes, parts, state, people, rows.num_rows, cells_of_donors(trial.donors, cells))
            break
        except _CannotMeet:
            if in_the_way is None:
                raise
            let_go.append(in_the_way)
            kept = [one for one in kept if one is not in_the_way]
    for gone in let_go:
        fate = {"formula": gone.formula, "column": gone.out, **fates.get(gone.formula, {}), "kept": True}
        told = {} if trial is None else {"held_on": round(share_kept(gone, trial.donors, streams), 3)}
        fates[gone.formula] = fate | told
    for one in kept:
        if isinstance(one, Lookup):
            fates[one.formula] = {"formula": one.formula, "column": one.out, "kept": False, "looked_up": True}
    held["fates"] = list(fates.values())
    return {"held": held} if trial is None else {"held": held, "donors": trial.donors}


def _found(
    asked: Demanded,
    rows: pa.Table,
    plans: Sequence[ColumnPlan],
    offered: Sequence[str] | None,
    people: People,
    target: str | None,
) -> tuple[list[Relation], list[Lookup], list[Found], Sample]:
    """The relations and lookups to be held, those that cannot be, and the rows on which they were found.

    A target follows from nothing, nor does a column each of whose levels is to have a share of its own.
    """
    kinds = {plan.name: plan.kind for plan in plans}
    made = {plan.name for plan in plans if plan.fate == "learned" and plan.kind != PROSE}
    codes = None if people.codes is None else people.codes[evenly(rows.num_rows)]
    sample = replace(sample_of(rows.select(sorted(made, key=rows.column_names.index)), kinds), people=codes)
    bound = bound_by(asked)

    def wanted(one: Found) -> bool:
        kept = offered is None or not one.formulas.isdisjoint(offered)
        return kept and one.formulas.isdisjoint(asked.ignored)

    def sought(keep: set[str]) -> tuple[list[Relation], list[Lookup]]:
        found = [one for one in find(sample, keep, bound) if wanted(one)]
        changed = {name for one in found for name in one.changes}
        lookups = find_lookups(rows.select(sorted(made)), kinds, people.codes, keep | changed)
        return found, [one for one in lookups if wanted(one)]

    keep = {*asked.wishes.by_level, *([target] if target else []), *asked.unique}
    found, lookups = sought(keep)
    kept: list[Found] = [*found, *lookups]
    said = {formula for one in kept for formula in one.formulas}
    others = sought(set()) if keep & made else ([], [])
    lost: list[Found] = [one for one in others[0] if said.isdisjoint(one.formulas)]
    lost += [one for one in others[1] if said.isdisjoint(one.formulas)]
    firm = leading_to(bound, lookups)
    # how often levels occur matters only where they are chosen by what follows from them
    lookups = [one if one.out in firm else one.model_copy(update={"weights": ()}) for one in lookups]
    return found, lookups, lost, sample


def _in_the_way(kept: Sequence[Found], trial: Trial) -> Found | None:
    """What most of the rows that do not come to rest break, if they break anything that was found."""
    worst = max(kept, key=lambda one: trial.unkept[one.formula], default=None)
    return worst if worst is not None and trial.unkept[worst.formula] else None


def _with_relations(kept: Sequence[Found]) -> dict[str, Any]:
    return {
        "relations": as_json([one for one in kept if isinstance(one, Relation)]),
        "lookups": [one.model_dump(mode="json") for one in kept if isinstance(one, Lookup)],
    }


def _shares(
    wishes: Wishes, parts: Sequence[Parts], state: State, people: People, rows: int, possible: Bools
) -> dict[str, Any]:
    """The shares of the model's cells that meet the wishes, as far as they are ``possible``, and what they rest on."""
    model = from_state(state)
    codes = np.empty((len(model.cells.codes), len(parts)), np.int64)
    for column, number in enumerate(model.cells.of):
        names = cast(Any, model.features[number].values).names.to_pylist()
        codes[:, column] = np.array([int(name) for name in names], np.int64)[model.cells.codes[:, column]]
    asked = demands(wishes, parts, Cells(codes, model.cells.shares, 0.0))
    wanted = possible & asked.masks.any(axis=0) if wishes.closed else possible
    learned = np.where(wanted, model.cells.shares, 0.0)
    cells = Cells(codes, learned / max(learned.sum(), 1e-12), 0.0)
    if impossible(cells, asked):
        raise _CannotMeet("the rows that were learned from cannot meet the conditions")
    raked, _ = rake(cells.shares, asked)
    return {
        "shares": raked.tolist(),
        "order": side_by_side(asked).tolist(),
        "coverage": {
            "cells": len(codes),
            "left_out": round(cells_of(parts, people).left_out, 4),
            "smallest": float(cells.shares.min()),
            "effective_rows": round(effective_rows(rows, cells.shares, raked)),
        },
    }


def held_in(state: State) -> Held:
    """Return what a fitted state holds rows to: nothing, where it is of a release that knew no such thing."""
    told = cast(Mapping[str, Any], state.get("held", {}))
    return Held(
        relations=from_json(told.get("relations", [])),
        lookups=[Lookup.model_validate(one) for one in told.get("lookups", [])],
        choices={name: Choices.from_json(one) for name, one in told.get("choices", {}).items()},
        passes=[np.array(one, np.int64) for one in told.get("passes", [])],
        shares=np.array(told["shares"]) if "shares" in told else None,
        order=np.array(told["order"], np.int64) if "order" in told else None,
        donors=cast(pa.Table | None, state.get("donors")),
    )


def told_of(asked: Demanded, state: State) -> Json:
    """What was asked to be other than in the source, what that rests on, and what became of the relations found.

    For whoever judges the table; ``None`` where there is nothing to tell.
    """
    wishes, held = asked.wishes, cast(Mapping[str, Json], state.get("held", {}))
    told: dict[str, Json] = {}
    if wishes.columns:
        told |= {
            "conditions": [{"condition": one.text, "share": one.share} for one in wishes.conditions],
            "balance": list(wishes.balance),
            "independent": [{"target": target, "sensitive": sensitive} for target, sensitive in wishes.independent],
            "coverage": held["coverage"],
            "wished": {
                "independent": [[target, sensitive] for target, sensitive in wishes.independent],
                "shares": _with_shares(wishes),
            },
        }
    if held.get("fates"):
        told["relations"] = held["fates"]
    return told or None


def _with_shares(wishes: Wishes) -> list[Json]:
    named = [name for one in wishes.conditions for name in columns_in(one.tests)]
    return list(dict.fromkeys([*named, *wishes.balance]))
