"""Learning a model from a sample of rows, and drawing rows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.cells import draw_cells, learn_cells
from generation.generators.tabular.fitted.encoding import Coding, Learned, decode_units, learn_column
from generation.generators.tabular.fitted.features import Bins, Coded, Codes, Feature, Levels, Words
from generation.generators.tabular.fitted.gaps import leaders, may_be_missing, stand_in
from generation.generators.tabular.fitted.kernels import add_up, follow, locate
from generation.generators.tabular.fitted.keys import KeyStyle, learn_style, make_keys
from generation.generators.tabular.fitted.levels import Rare, settle
from generation.generators.tabular.fitted.order import order_of, ties_between
from generation.generators.tabular.fitted.privacy import Bools, Floats, K, People
from generation.generators.tabular.fitted.rounding import STEPS
from generation.generators.tabular.fitted.store import Model, from_state, to_state
from generation.generators.tabular.fitted.trees import grow_forest
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.words import lower_halves, words
from generation.sdk import Json, State, Streams, Tell


def learn(
    rows: pa.Table,
    plans: Sequence[ColumnPlan],
    units: int,
    people: People,
    streams: Streams,
    tell: Tell,
    first: Sequence[str] = (),
    then: Sequence[str] = (),
) -> State:
    """Learn every column of ``plans`` from ``rows``; ``units`` is how many rows will be made (keys must suffice).

    Columns named in ``first`` are drawn before all others, together: shares of their cells can be given to ``draw``.
    Those named in ``then`` come after them.
    """
    columns: list[dict[str, Json]] = []
    coded = _Coding(people)
    for number, plan in enumerate(plans):
        tell(0.4 + 0.2 * number / len(plans), "learning the columns")
        entry: dict[str, Json] = {"name": plan.name, "features": [], "decimals": 0, "step": 0, "style": None}
        array = rows.column(plan.name).combine_chunks() if plan.fate != "empty" else pa.nulls(0, plan.type)
        if plan.fate == "key":
            entry["style"] = learn_style(array, units).model_dump(mode="json")
        elif plan.fate == "learned":
            coding, learned = learn_column(array, plan, people)
            entry.update(decimals=coding.decimals, step=coding.step)
            entry["features"] = coded.add(plan, learned, pc.is_null(array).to_numpy(zero_copy_only=False))
        columns.append(entry)
    coded.settle(streams)
    return to_state(_model(coded, columns, first, then, people, streams, tell))


@dataclass
class _Coding:
    """The features of the rows, as they are found column by column."""

    people: People
    coded: list[Coded] = field(default_factory=list)
    missing: dict[int, Bools] = field(default_factory=dict)
    rare: dict[int, Rare] = field(default_factory=dict)

    def add(self, plan: ColumnPlan, learned: Sequence[Learned], missing: Bools) -> list[Json]:
        """Take in the features of a column and return their numbers; none if nothing of them may be carried over."""
        if not all(len(one.values) or self._enough(one) for one in learned):
            return []
        nullable = plan.nullable and may_be_missing(missing, self.people)
        numbers: list[Json] = []
        for kind, one in zip(("column", "clock"), learned, strict=False):
            number = len(self.coded)
            feature = Feature(one.values, nullable)
            known = (one.places >= 0) | (missing & nullable)
            codes = np.where(missing & nullable, 0, one.places + nullable)
            codes = stand_in(codes, known, max(feature.size, 1))
            self.coded.append(Coded(f"{kind} {plan.name}", feature, codes.astype(np.int32), known))
            if nullable:
                self.missing[number] = missing
            if one.rare is not None:
                self.rare[number] = one.rare
            numbers.append(number)
        return numbers

    def _enough(self, one: Learned) -> bool:
        return one.rare is not None and self.people.count(one.rare.numbers >= 0) >= K

    def settle(self, streams: Streams) -> None:
        """Decide what becomes of rare levels, now that all other columns are known."""
        if not self.rare:
            return
        ties = ties_between(self.coded)
        for number, rare in self.rare.items():
            others = [i for i in range(len(self.coded)) if i != number and self.coded[i].feature.size > 1]
            beside = [self.coded[i] for i in others]
            self.coded[number] = settle(self.coded[number], rare, beside, ties[number, others], self.people, streams)


def _model(
    coding: _Coding,
    columns: Sequence[dict[str, Json]],
    first: Sequence[str],
    then: Sequence[str],
    people: People,
    streams: Streams,
    tell: Tell,
) -> Model:
    """Grow the forest of every feature on those before it."""
    coded = coding.coded
    ties = ties_between(coded)
    numbers: dict[Any, Any] = {entry["name"]: entry["features"] for entry in columns}
    head: list[int] = [number for name in first for number in numbers.get(name, ())]
    next_: list[int] = [number for name in then for number in numbers.get(name, ())]
    order = order_of(coded, [*head, *next_])
    leading = leaders(order, coding.missing)
    forests: dict[int, Any] = {}
    for place, number in enumerate(order):
        tell(0.6 + 0.4 * place / len(order), "learning what ties the columns together")
        # a feature of one code tells nothing
        earlier = [i for i in order[:place] if coded[i].feature.size > 1]
        forests[number] = grow_forest(coded, number, earlier, leading[number], ties, people, streams, next_)
    tell(1.0, "learned")
    return Model(
        columns=list(columns),
        streams=[one.stream for one in coded],
        features=[one.feature for one in coded],
        forests=[forests[number] for number in range(len(coded))],
        order=order,
        cells=learn_cells(coded, head, people),
    )


def draw(
    state: State, plans: Sequence[ColumnPlan], streams: Streams, units: range, shares: Floats | None = None
) -> list[ArrowArray]:
    """Draw the rows of ``units``: one array for each of ``plans``, by the state that ``learn`` returned.

    ``shares`` are those of the cells of the first columns, if other ones are wanted than were learned.
    """
    model = from_state(state)
    drawn = [words(streams, name, units) for name in model.streams]
    codes = _draw_codes(model, streams, units, drawn, shares)
    arrays = []
    for column, entry in zip(plans, model.columns, strict=True):
        if entry["style"] is not None:
            style = KeyStyle.model_validate(entry["style"])
            arrays.append(make_keys(style, column.name, column.type, streams, units))
        elif not entry["features"]:
            arrays.append(pa.nulls(len(units), column.type))
        elif model.features[entry["features"][0]].ordered:
            found, missing = _units(model, entry["features"], codes, drawn)
            arrays.append(decode_units(found, missing, column, Coding(entry["decimals"], entry["step"])))
        else:
            arrays.append(_levels(model, entry["features"][0], codes, drawn).cast(column.type))
    return arrays


def _draw_codes(model: Model, streams: Streams, units: range, drawn: Sequence[Words], shares: Floats | None) -> Codes:
    """Return the codes of every feature (rows × features), each drawn from those before it."""
    codes = np.empty((len(units), len(model.features)), np.int32)
    head: tuple[int, ...] = ()
    if shares is not None:
        head = model.cells.of
        codes[:, list(head)] = draw_cells(model.cells, shares, words(streams, "cells", units))
    for number in model.order:
        if number in head:
            continue
        one = model.forests[number]
        bins = np.empty((len(units), len(one.edges)), np.uint8)
        if len(one.edges):
            sums = np.zeros(bins.shape, np.float32)
            add_up(codes, one.term_column, one.term_offset, one.terms, one.edges, sums, bins)
        follow(codes, number, one.leader, one.nodes, one.lookup, one.roots, one.leaves, bins, drawn[number])
    return codes


def _units(
    model: Model, numbers: Sequence[int], codes: Codes, drawn: Sequence[Words]
) -> tuple[list[Floats], Bools | None]:
    """Return whole units of each feature of a column of numbers, and which rows are missing."""
    missing = codes[:, numbers[0]] == 0 if model.features[numbers[0]].nullable else None
    units = []
    for number in numbers:
        feature = model.features[number]
        values = cast(Bins, feature.values)
        found = np.empty(len(codes))
        ends = values.low, values.high, values.roundness
        locate(codes, number, int(feature.nullable), *ends, STEPS, drawn[number], found)
        units.append(found if missing is None else np.where(missing, 0.0, found))
    return units, missing


def _levels(model: Model, number: int, codes: Codes, drawn: Sequence[Words]) -> ArrowArray:
    """Return the names of the levels that were drawn."""
    feature = model.features[number]
    values = cast(Levels, feature.values)
    places = codes[:, number] - np.int32(feature.nullable)
    if values.pools:
        places = _of_pools(values, places, drawn[number])
    return values.names.take(pa.array(places, mask=codes[:, number] == 0 if feature.nullable else None))


def _of_pools(levels: Levels, places: Codes, drawn: Words) -> Codes:
    """Choose a made-up level where a pool was drawn, by the lower halves of the words."""
    at = places >= levels.common
    chance = places[at] - levels.common + lower_halves(drawn[at])
    chosen = np.minimum(np.searchsorted(levels.ends, chance, side="right"), len(levels.ends) - 1)
    places = places.copy()
    places[at] = levels.common + chosen
    return places
