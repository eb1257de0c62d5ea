"""The fitted state: learned from a sample of rows, stored as plain data, and rows drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.dependence import copula, order_levels
from generation.generators.tabular.fitted.encoding import Coding, decode_units, learn_column
from generation.generators.tabular.fitted.keys import KeyStyle, learn_style, make_keys
from generation.generators.tabular.fitted.marginals import Learned, learn_missing
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, People
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.sdk import Json, State, Streams, Tell


@dataclass(frozen=True)
class Segments:
    """The segments of one feature for drawing: cuts of its normal variable, and what lies between two cuts."""

    cuts: Floats
    low: Floats
    width: Floats
    levels: ArrowArray


def learn(rows: pa.Table, plans: Sequence[ColumnPlan], units: int, people: People, tell: Tell) -> State:
    """Learn every column of ``plans`` from ``rows``; ``units`` is how many rows will be made (keys must suffice)."""
    columns: list[dict[str, Json]] = []
    learned: list[Learned] = []
    gaps = _Gaps(people)
    for number, plan in enumerate(plans):
        tell(0.4 + 0.4 * number / len(plans), "learning the columns")
        entry: dict[str, Json] = {
            "name": plan.name,
            "features": [],
            "gap": None,
            "decimals": 0,
            "step": 0,
            "style": None,
        }
        array = rows.column(plan.name).combine_chunks() if plan.fate != "empty" else pa.nulls(0, plan.type)
        if plan.fate == "key":
            entry["style"] = learn_style(array, units).model_dump(mode="json")
        elif plan.fate == "learned":
            coding, features = learn_column(array, plan, people)
            entry.update(decimals=coding.decimals, step=coding.step)
            if all(len(one.marginal) for one in features):
                entry["features"] = list(range(len(learned), len(learned) + len(features)))
                learned += features
                if plan.nullable:
                    entry["gap"] = gaps.place(pc.is_null(array).to_numpy(zero_copy_only=False))
        columns.append(entry)
    tell(0.8, "learning what ties the columns together")
    ordered = [*order_levels(learned), *gaps.learned]
    latent = [i for i, one in enumerate(ordered) if len(one.marginal) > 1]
    factor = copula([ordered[i] for i in latent], people)
    tell(1.0, "learned")
    plan_json = {"columns": columns, "latent": latent, "gaps": len(learned)}
    return {"plan": cast(Json, plan_json), "factor": factor, "segments": _segments_table(ordered)}


class _Gaps:
    """Missing values, learned once for columns that are missing together (all but one row in five hundred)."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.learned: list[Learned] = []

    def place(self, missing: Bools) -> int | None:
        """Return the number of the gap that a column shares, ``None`` if its values are not to be missing."""
        for number, one in enumerate(self.learned):
            if ((one.segments == 0) != missing).mean() < 0.002:
                return number
        if (new := learn_missing(missing, self.people)) is None:
            return None
        self.learned.append(new)
        return len(self.learned) - 1


def _segments_table(learned: Sequence[Learned]) -> pa.Table:
    """All segments of all features in one table; the last segment of a feature has no cut."""
    features, cuts, low, high, levels = [], [], [], [], []
    for number, one in enumerate(learned):
        features += [number] * len(one.marginal)
        cuts += [*one.marginal.cuts().tolist(), None]
        low += one.marginal.low.tolist()
        high += one.marginal.high.tolist()
        levels += list(one.marginal.levels or [None] * len(one.marginal))
    return pa.table(
        {
            "feature": pa.array(features, pa.int32()),
            "cut": pa.array(cuts, pa.float64()),
            "low": pa.array(low, pa.float64()),
            "high": pa.array(high, pa.float64()),
            "level": pa.array(levels, pa.string()),
        }
    )


def draw(state: State, plans: Sequence[ColumnPlan], streams: Streams, units: range) -> list[ArrowArray]:
    """Draw the rows of ``units``: one array for each of ``plans``, by the state that ``learn`` returned."""
    plan = cast(Mapping[str, Any], state["plan"])
    segments = _segments(cast(pa.Table, state["segments"]))
    rng = streams.rng("rows", units.start)
    chosen = _draw_segments(plan["latent"], segments, cast(Floats, state["factor"]), rng, len(units))
    arrays = []
    for column, entry in zip(plans, plan["columns"], strict=True):
        if entry["style"] is not None:
            style = KeyStyle.model_validate(entry["style"])
            arrays.append(make_keys(style, column.name, column.type, streams, units))
        elif not entry["features"]:
            arrays.append(pa.nulls(len(units), column.type))
        else:
            missing = np.zeros(len(units), dtype=bool)
            if entry["gap"] is not None:
                missing = chosen[plan["gaps"] + entry["gap"]] == 0
            drawn = [(segments[i], chosen[i]) for i in entry["features"]]
            arrays.append(_values(drawn, missing, column, Coding(entry["decimals"], entry["step"]), rng))
    return arrays


def _segments(table: pa.Table) -> list[Segments]:
    features = table.column("feature").to_numpy()
    cuts, low, high = (table.column(name).to_numpy() for name in ("cut", "low", "high"))
    levels = table.column("level").combine_chunks()
    starts = np.searchsorted(features, np.arange(int(features.max(initial=-1)) + 2))
    return [
        Segments(cuts[a : b - 1], low[a:b], high[a:b] - low[a:b], levels.slice(a, b - a))
        for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]


def _draw_segments(
    latent: Sequence[int], segments: Sequence[Segments], factor: Floats, rng: np.random.Generator, rows: int
) -> list[Ints]:
    """Choose a segment of every feature for every row; a feature with one segment needs no variable."""
    normal = rng.standard_normal((rows, len(latent))) @ factor.T
    chosen = [np.zeros(rows, np.int64) for _ in segments]
    for place, feature in enumerate(latent):
        chosen[feature] = np.searchsorted(segments[feature].cuts, normal[:, place], side="right")
    return chosen


def _values(
    drawn: Sequence[tuple[Segments, Ints]], missing: Bools, column: ColumnPlan, coding: Coding, rng: np.random.Generator
) -> ArrowArray:
    first, chosen = drawn[0]
    if pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
        return first.levels.take(pa.array(chosen, mask=missing)).cast(column.type)
    units = [np.floor(one.low[at] + 0.5 + rng.random(len(at)) * one.width[at]) for one, at in drawn]
    return decode_units(units, missing, column, coding)
