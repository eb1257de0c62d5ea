"""Learning a model from a sample of rows, and drawing rows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.additive import traits_of
from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.cells import learn_cells
from generation.generators.tabular.fitted.encoding import Coding, Learned, decode_units, learn_column
from generation.generators.tabular.fitted.features import Bins, Coded, Codes, Feature, Levels, Words
from generation.generators.tabular.fitted.gaps import leaders, may_be_missing, stand_in
from generation.generators.tabular.fitted.kernels import add_up, follow, locate
from generation.generators.tabular.fitted.keys import KeyStyle, make_keys
from generation.generators.tabular.fitted.levels import Rare, settle
from generation.generators.tabular.fitted.order import order_of, ties_between
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People
from generation.generators.tabular.fitted.rounding import STEPS
from generation.generators.tabular.fitted.store import Model, from_state, to_state
from generation.generators.tabular.fitted.trees import Forest, grow_forest
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.words import lower_halves, words
from generation.sdk import Json, State, Streams, Tell


def learn(
    rows: pa.Table,
    plans: Sequence[ColumnPlan],
    styles: Mapping[str, KeyStyle],
    people: People,
    streams: Streams,
    tell: Tell,
    first: Sequence[str] = (),
    then: Sequence[str] = (),
) -> State:
    """Learn every column of ``plans`` from ``rows``; ``styles`` say how new keys are written.

    Columns named in ``first`` are drawn before all others, together: rows of chosen cells of them can be drawn.
    Those named in ``then`` come after them.
    """
    columns: list[dict[str, Json]] = []
    coded = _Coding(people)
    for number, plan in enumerate(plans):
        tell(0.4 + 0.2 * number / len(plans), "learning the columns")
        entry: dict[str, Json] = {"name": plan.name, "features": [], "decimals": 0, "step": 0, "style": None}
        array = rows.column(plan.name).combine_chunks() if plan.fate != "empty" else pa.nulls(0, plan.type)
        if plan.fate == "key":
            entry["style"] = styles[plan.name].model_dump(mode="json")
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
    traits = [traits_of(one) for one in coded]
    for place, number in enumerate(order):
        tell(0.6 + 0.4 * place / len(order), "learning what ties the columns together")
        # a feature of one code tells nothing
        earlier = [i for i in order[:place] if coded[i].feature.size > 1]
        forests[number] = grow_forest(coded, traits, number, earlier, leading[number], ties, people, streams, next_)
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
    state: State,
    plans: Sequence[ColumnPlan],
    streams: Streams,
    units: range,
    cells: Ints | None = None,
    *,
    again: str = "",
    rows: Ints | None = None,
) -> list[ArrowArray]:
    """Draw the rows of ``units``: one array for each of ``plans``, by the state that ``learn`` returned.

    ``cells`` are those of the first columns that the rows lie in, if they are not to be drawn as they were learned.
    With ``again``, a name, other rows are drawn for the places ``rows`` of ``units``, but for their keys.
    """
    model = from_state(state)
    drawn = [words(streams, name + again, units) for name in model.streams]
    if rows is not None:
        drawn = [one[rows] for one in drawn]
    amount = len(units) if rows is None else len(rows)
    codes = _draw_codes(model, amount, drawn, cells)
    arrays = []
    for column, entry in zip(plans, model.columns, strict=True):
        if entry["style"] is not None and again:
            # Each row has a key, though none of these: rules ask whether it is known.
            arrays.append(pa.repeat(pa.scalar(0).cast(column.type), amount))
        elif entry["style"] is not None:
            style = KeyStyle.model_validate(entry["style"])
            arrays.append(make_keys(style, column.name, column.type, streams, units))
        elif not entry["features"]:
            arrays.append(pa.nulls(amount, column.type))
        else:
            coding = Coding(entry["decimals"], entry["step"])
            arrays.append(decode(column, coding, entry["features"], model.features, codes, drawn))
    return arrays


def decode(
    plan: ColumnPlan,
    coding: Coding,
    numbers: Sequence[int],
    features: Sequence[Feature],
    codes: Codes,
    drawn: Sequence[Words],
) -> ArrowArray:
    """Return the values of the column whose features are ``numbers``, from ``codes`` (rows × features).

    ``drawn`` are the words of each feature: they place values within their bins.
    """
    if not features[numbers[0]].ordered:
        return _levels(features[numbers[0]], codes[:, numbers[0]], drawn[numbers[0]]).cast(plan.type)
    found, missing = _units(features, numbers, codes, drawn)
    return decode_units(found, missing, plan, coding)


def _draw_codes(model: Model, amount: int, drawn: Sequence[Words], cells: Ints | None) -> Codes:
    """Return the codes of every feature (rows × features and more), each drawn from those before it."""
    features = len(model.features)
    indexes = max((len(one.edges) for one in model.forests), default=0)
    codes = np.zeros((amount, features + indexes), np.int32)
    head: tuple[int, ...] = ()
    if cells is not None:
        head = model.cells.of
        codes[:, list(head)] = model.cells.codes[cells]
    for number in model.order:
        if number in head:
            continue
        draw_feature(model.forests[number], number, codes, features, drawn[number])
    return codes


def draw_feature(forest: Forest, number: int, codes: Codes, features: int, drawn: Words) -> None:
    """Draw the feature ``number`` into its column of ``codes``, which holds zeros, from what its forest looks at.

    Behind the ``features`` columns of ``codes`` is room for the forest's additive indexes.
    """
    add_up(codes, forest.term_column, forest.term_offset, forest.terms, forest.edges, features)
    tree = forest.nodes, forest.slices, forest.lookup, forest.roots, forest.leaves
    follow(codes, number, forest.leader, *tree, drawn)


def _units(
    features: Sequence[Feature], numbers: Sequence[int], codes: Codes, drawn: Sequence[Words]
) -> tuple[list[Floats], Bools | None]:
    """Return whole units of each feature of a column of numbers, and which rows are missing."""
    missing = codes[:, numbers[0]] == 0 if features[numbers[0]].nullable else None
    units = []
    for number in numbers:
        feature = features[number]
        values = cast(Bins, feature.values)
        found = np.empty(len(codes))
        ends = values.low, values.high, values.roundness
        locate(codes, number, int(feature.nullable), *ends, STEPS, drawn[number], found)
        units.append(found if missing is None else np.where(missing, 0.0, found))
    return units, missing


def _levels(feature: Feature, codes: Codes, drawn: Words) -> ArrowArray:
    """Return the names of the levels that were drawn."""
    values = cast(Levels, feature.values)
    places = codes - np.int32(feature.nullable)
    if values.pools:
        places = _of_pools(values, places, drawn)
    return values.names.take(pa.array(places, mask=codes == 0 if feature.nullable else None))


def _of_pools(levels: Levels, places: Codes, drawn: Words) -> Codes:
    """Choose a made-up level where a pool was drawn, by the lower halves of the words."""
    at = places >= levels.common
    chance = places[at] - levels.common + lower_halves(drawn[at])
    chosen = np.minimum(np.searchsorted(levels.ends, chance, side="right"), len(levels.ends) - 1)
    places = places.copy()
    places[at] = levels.common + chosen
    return places
