"""What drawn rows are held to before they leave: the parts they were drawn for, relations found, rules declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray
from generation.generators.tabular.fitted.conditions import (
    Cells,
    Parts,
    Wishes,
    cells_of,
    demands,
    effective_rows,
    impossible,
    rake,
)
from generation.generators.tabular.fitted.demanded import Demanded, cut
from generation.generators.tabular.fitted.privacy import Floats, Ints, People
from generation.generators.tabular.fitted.rules import Choices, hold, hold_parts, learn_choices
from generation.generators.tabular.fitted.store import from_state
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.values import as_arrow
from generation.generators.tabular.fitted.words import words
from generation.relations import (
    Lookup,
    Relation,
    as_floats,
    as_json,
    evenly,
    find,
    find_lookups,
    from_json,
    kind_of,
    look_up,
    put_right,
    sample_of,
)
from generation.sdk import Json, State, Streams
from generation.sdk.rules import Rule

_PART = "\x1fpart of "  # no column of a source has a control character in its name
_ROUNDS = 4


def part_plans(wishes: Wishes) -> list[ColumnPlan]:
    """A column more for each that ``wishes`` name: the part of it that a row lies in, drawn before all others."""
    return [ColumnPlan(_PART + name, pa.string(), "category", "learned", nullable=False) for name in wishes.columns]


def with_parts(rows: pa.Table, wishes: Wishes) -> tuple[pa.Table, list[Parts]]:
    """Return the rows with the columns of ``part_plans``, and the parts."""
    parts = cut(wishes, rows) if wishes.columns else []
    for name, one in zip(wishes.columns, parts, strict=True):
        rows = rows.append_column(_PART + name, pa.array(one.rows).cast(pa.string()))
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
) -> dict[str, Any]:
    """Learn what ``hold_rows`` needs; ``state`` is what the model learned. Nothing of it is a value of few people.

    Raises ``ValueError`` when the cells that were learned cannot give what is asked, which a quote would have said.
    """
    wishes = asked.wishes
    kinds = {plan.name: plan.kind for plan in plans}
    made = {plan.name for plan in plans if plan.fate == "learned"}
    keep = {*wishes.columns, *([target] if target else []), *asked.unique}
    codes = None if people.codes is None else people.codes[evenly(rows.num_rows)]
    sample = replace(sample_of(rows.select(sorted(made, key=rows.column_names.index)), kinds), people=codes)
    found = [
        one
        for one in find(sample, keep)
        if one.formula not in asked.ignored and (offered is None or one.formula in offered)
    ]
    changed = {name for one in found for name in one.changes}
    lookups = [
        one
        for one in find_lookups(rows.select(sorted(made)), kinds, people.codes, keep | changed)
        if one.formula not in asked.ignored and (offered is None or one.formula in offered)
    ]
    tests = tuple(Rule("", tuple(wishes.tests_of(name))) for name in wishes.columns)
    held: dict[str, Any] = {
        "relations": as_json(found),
        "lookups": [one.model_dump(mode="json") for one in lookups],
        "choices": {name: one.as_json() for name, one in learn_choices([*asked.rules, *tests], rows, people).items()},
        "passes": [one.passes.tolist() for one in parts],
    }
    if wishes.columns:
        held |= _shares(wishes, parts, state, people, rows.num_rows)
    return held


def _shares(wishes: Wishes, parts: Sequence[Parts], state: State, people: People, rows: int) -> dict[str, Any]:
    """The shares of the model's cells that meet the wishes, and what they rest on."""
    model = from_state(state)
    codes = np.empty((len(model.cells.codes), len(parts)), np.int64)
    for column, number in enumerate(model.cells.of):
        names = cast(Any, model.features[number].values).names.to_pylist()
        codes[:, column] = np.array([int(name) for name in names], np.int64)[model.cells.codes[:, column]]
    cells = Cells(codes, model.cells.shares, 0.0)
    asked = demands(wishes, parts, cells)
    if impossible(cells, asked):
        raise ValueError("the rows that were learned from cannot meet the conditions")
    raked, _ = rake(cells.shares, asked)
    return {
        "shares": raked.tolist(),
        "coverage": {
            "cells": len(codes),
            "left_out": round(cells_of(parts, people).left_out, 4),
            "smallest": float(cells.shares.min()),
            "effective_rows": round(effective_rows(rows, cells.shares, raked)),
        },
    }


@dataclass(frozen=True)
class Held:
    """What ``learn_held`` learned, read back."""

    relations: Sequence[Relation]
    lookups: Sequence[Lookup]
    choices: Mapping[str, Choices]
    passes: Sequence[Ints]
    shares: Floats | None


def held_in(state: State) -> Held:
    """Return what a fitted state holds rows to: nothing, where it is of a release that knew no such thing."""
    told = cast(Mapping[str, Any], state.get("held", {}))
    return Held(
        relations=from_json(told.get("relations", [])),
        lookups=[Lookup.model_validate(one) for one in told.get("lookups", [])],
        choices={name: Choices.from_json(one) for name, one in told.get("choices", {}).items()},
        passes=[np.array(one, np.int64) for one in told.get("passes", [])],
        shares=np.array(told["shares"]) if "shares" in told else None,
    )


def hold_rows(
    held: Held,
    asked: Demanded,
    plans: Sequence[ColumnPlan],
    arrays: Sequence[ArrowArray],
    streams: Streams,
    units: range,
) -> list[ArrowArray]:
    """Return the columns of ``plans``, put right; ``arrays`` are drawn by them and then by ``part_plans``."""
    names = [plan.name for plan in plans]
    columns = dict(zip(names, arrays[: len(names)], strict=True))
    wishes = asked.wishes
    if not (held.relations or held.lookups or asked.rules or wishes.columns):
        return list(columns.values())
    types = pa.schema([pa.field(plan.name, plan.type) for plan in plans])
    drawn = {name: words(streams, f"held {name}", units) for name in _touched(held, asked)}
    parts = [np.asarray(one.cast(pa.int64()).to_numpy(zero_copy_only=False)) for one in arrays[len(names) :]]
    for _ in range(_ROUNDS):
        for name, part, passes in zip(wishes.columns, parts, held.passes, strict=True):
            hold_parts(wishes.tests_of(name), passes[part], columns, held.choices, drawn, types)
        look_up(held.lookups, columns)
        _put_right(held.relations, columns, drawn, types)
        if not hold(asked.rules, columns, held.choices, drawn, types):
            break
    return list(columns.values())


def _touched(held: Held, asked: Demanded) -> list[str]:
    """The columns that may be changed, and so need random words."""
    names = {name for one in held.relations for name in (*one.changes, *one.columns)}
    return sorted({*names, *held.choices, *asked.wishes.columns})


def _put_right(
    relations: Sequence[Relation], columns: dict[str, ArrowArray], drawn: Mapping[str, Any], types: pa.Schema
) -> None:
    """Have the drawn columns keep the relations."""
    named = {name for one in relations for name in one.columns if name in columns}
    values: dict[str, Floats] = {}
    for name in sorted(named):
        kind = kind_of(types.field(name).type)
        if kind is not None:
            values[name] = as_floats(columns[name], kind)
    before = dict(values)
    put_right(relations, values, drawn)
    for name, numbers in values.items():
        if not np.array_equal(numbers, before[name], equal_nan=True):
            columns[name] = as_arrow(numbers, types.field(name).type)


def told_of(asked: Demanded, state: State) -> Json:
    """The shares that were asked for and what they rest on, for whoever judges the table; ``None`` if none were."""
    wishes = asked.wishes
    if not wishes.columns:
        return None
    return {
        "conditions": [{"condition": one.text, "share": one.share} for one in wishes.conditions],
        "balance": list(wishes.balance),
        "independent": [{"target": target, "sensitive": sensitive} for target, sensitive in wishes.independent],
        "coverage": cast(Mapping[str, Json], state["held"])["coverage"],
    }
