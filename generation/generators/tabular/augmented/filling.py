"""Missing cells filled: each drawn given all the other columns of its row, again and again until they agree.

Multiple imputation by chained equations (Stef van Buuren and Karin Groothuis-Oudshoorn, mice, Journal of Statistical
Software 45, 2011), the equations being trees as in Lane F. Burgette and Jerome P. Reiter, Multiple Imputation for
Missing Data via Sequential Regression Trees, American Journal of Epidemiology 172, 2010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.augmented.coding import CodedColumn, learn_columns, places_in
from generation.generators.tabular.fitted.additive import traits_of
from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.features import Coded, Codes, Feature, Words
from generation.generators.tabular.fitted.model import decode, draw_feature
from generation.generators.tabular.fitted.order import ties_between
from generation.generators.tabular.fitted.privacy import Bools, Floats, Ints, K, People
from generation.generators.tabular.fitted.trees import Forest, grow_forest
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.words import words
from generation.sdk import Json, Streams, Tell

ROUNDS = 4
_FEWEST = 30  # cells of which something can be said


class CannotFill(ValueError):
    """A column has too few values that many hold; the message names it."""


@dataclass(frozen=True)
class Filled:
    """The columns with every cell filled, where each was missing, and in words and figures how well that goes."""

    columns: Mapping[str, ArrowArray]
    missing: Mapping[str, Bools]
    told: Mapping[str, Json]


def without_values(rows: pa.Table, plans: Sequence[ColumnPlan], names: Sequence[str], people: People) -> list[str]:
    """Return those of the columns ``names`` of which no value in ``rows`` may be filled in."""
    wanted = [plan for plan in plans if plan.name in names]
    found = {column.plan.name for column in learn_columns(rows, wanted, names, people)}
    return [plan.name for plan in wanted if plan.name not in found]


def fill(
    whole: pa.Table,
    withheld: Bools,
    learnt: Ints,
    plans: Sequence[ColumnPlan],
    names: Sequence[str],
    people: People,
    streams: Streams,
    tell: Tell,
) -> Filled:
    """Fill the missing cells of the columns ``names`` of ``whole``.

    Trees grow on the rows at ``learnt``, behind whom ``people`` are. What they draw is tried on known cells of rows
    that are ``withheld`` from learning. Raises ``CannotFill``.
    """
    columns = learn_columns(whole.take(pa.array(learnt)), plans, names, people)
    if lost := set(names) - {column.plan.name for column in columns}:
        raise CannotFill(f"no value of {', '.join(sorted(lost))} is held by {K} people, so none can be filled in")
    chain = _Chain.begun(columns, whole, learnt, people, streams)
    wanted = sorted((one for one in columns if one.filled), key=lambda one: int(chain.missing[one.plan.name].sum()))
    rounds = ROUNDS if len(wanted) > 1 else 1
    drawn: dict[int, Words] = {}
    forests: dict[int, Forest] = {}
    for turn in range(rounds):
        for place, column in enumerate(wanted):
            tell(0.1 + 0.4 * (turn + place / len(wanted)) / rounds, "filling what is missing")
            for number, stream in zip(column.numbers, column.streams, strict=True):
                forests[number] = chain.grown(number)
                drawn[number] = words(streams, f"{stream} {turn}", range(whole.num_rows))
                chain.draw(number, forests[number], drawn[number], chain.missing[column.plan.name])
    told = {one.plan.name: _tried(chain, one, withheld, forests, streams) for one in wanted}
    filled = {one.plan.name: _put(whole, one, chain, drawn) for one in wanted}
    return Filled(filled, {one.plan.name: chain.missing[one.plan.name] for one in wanted}, told)


@dataclass
class _Chain:
    """The codes of all rows and features as they stand, and what does not change while they are drawn anew."""

    features: list[Feature]
    streams_of: list[str]
    codes: Codes
    known: Bools
    missing: dict[str, Bools]
    learnt: Ints
    people: People
    streams: Streams

    @cached_property
    def ties(self) -> Floats:
        """How much the features tell of each other, as they stood at the first question."""
        return ties_between(self._coded())

    @classmethod
    def begun(
        cls, columns: Sequence[CodedColumn], whole: pa.Table, learnt: Ints, people: People, streams: Streams
    ) -> _Chain:
        """Code all rows; where a cell is to be filled stands a value of some other row, to begin with."""
        features = [one for column in columns for one in column.features]
        codes = np.empty((whole.num_rows, len(features)), np.int32)
        known = np.empty(codes.shape, bool)
        missing = {}
        for column in columns:
            array = whole.column(column.plan.name).combine_chunks()
            gone = pc.is_null(array).to_numpy(zero_copy_only=False)
            for number, feature, places in zip(column.numbers, column.features, places_in(column, array), strict=True):
                known[:, number] = places >= 0
                codes[:, number] = np.where(places >= 0, places + feature.nullable, _stand_in(places, feature))
                if feature.nullable:
                    known[gone, number], codes[gone, number] = True, 0
            if column.filled:
                missing[column.plan.name] = gone
                for number, stream in zip(column.numbers, column.streams, strict=True):
                    values = codes[learnt, number][known[learnt, number]]
                    first = streams.rng(f"{stream} begun").integers(0, len(values), int(gone.sum()))
                    codes[gone, number] = values[first]
        names = [stream for column in columns for stream in column.streams]
        return cls(features, names, codes, known, missing, learnt, people, streams)

    def grown(self, number: int) -> Forest:
        """The trees of one feature on all others, from the rows that have a value of it."""
        coded = self._coded()
        others = [i for i, one in enumerate(coded) if i != number and one.feature.size > 1]
        traits = [traits_of(one) for one in coded]
        return _frozen(grow_forest(coded, traits, number, others, -1, self.ties, self.people, self.streams))

    def _coded(self) -> list[Coded]:
        return [
            Coded(stream, feature, self.codes[self.learnt, i], self.known[self.learnt, i])
            for i, (stream, feature) in enumerate(zip(self.streams_of, self.features, strict=True))
        ]

    def draw(self, number: int, forest: Forest, drawn: Words, rows: Bools) -> None:
        """Draw one feature anew where ``rows`` say."""
        self.codes[rows, number] = self.drawn(number, forest, drawn, rows)

    def drawn(self, number: int, forest: Forest, drawn: Words, rows: Bools) -> Codes:
        """The codes of one feature as they are drawn where ``rows`` say."""
        part = np.zeros((int(rows.sum()), len(self.features) + len(forest.edges)), np.int32)
        part[:, : len(self.features)] = self.codes[rows]
        part[:, number] = 0
        draw_feature(forest, number, part, len(self.features), drawn[rows])
        return part[:, number]


def _frozen(forest: Forest) -> Forest:
    """The forest with arrays that cannot be written to, as those of a state: compiled loops know them by that."""
    arrays: dict[str, Any] = {
        name: value.view() for name, value in vars(forest).items() if isinstance(value, np.ndarray)
    }
    for array in arrays.values():
        array.setflags(write=False)
    return replace(forest, **arrays)


def _stand_in(places: Ints, feature: Feature) -> int:
    """The code of rows whose value is none of many: the commonest."""
    found = places[places >= 0]
    return int(np.bincount(found).argmax()) + feature.nullable if len(found) else int(feature.nullable)


def _put(whole: pa.Table, column: CodedColumn, chain: _Chain, drawn: Mapping[int, Words]) -> ArrowArray:
    """The column with its missing cells filled and all others as they are."""
    array = whole.column(column.plan.name).combine_chunks()
    rows = np.flatnonzero(chain.missing[column.plan.name])
    if not len(rows):
        return array
    made = _decoded(column, chain.codes[rows], {number: one[rows] for number, one in drawn.items()})
    places = np.arange(len(array))
    places[rows] = len(array) + np.arange(len(rows))
    return pa.concat_arrays([array, made]).take(pa.array(places))


def _decoded(column: CodedColumn, codes: Codes, drawn: Mapping[int, Words]) -> ArrowArray:
    first, size = column.numbers[0], len(column.numbers)
    own = [drawn[number] for number in column.numbers]
    return decode(column.plan, column.coding, range(size), column.features, codes[:, first : first + size], own)


def _tried(
    chain: _Chain, column: CodedColumn, withheld: Bools, forests: Mapping[int, Forest], streams: Streams
) -> dict[str, Json]:
    """How well known cells of withheld rows are met when they are drawn in the same way.

    Numbers and times: the correlation of drawn with true ones, by their bins; levels: how often they agree, and how
    often the commonest level would. ``None`` where there are too few.
    """
    number = column.numbers[0]
    gone = chain.missing[column.plan.name]
    rows = withheld & ~gone & chain.known[:, number]
    told: dict[str, Json] = {"filled": int(gone.sum()), "tried": int(rows.sum())}
    if rows.sum() < _FEWEST:
        return told | {"correlation" if column.features[0].ordered else "agreement": None}
    true = chain.codes[rows, number]
    drawn = words(streams, f"{column.streams[0]} tried", range(len(withheld)))
    met = chain.drawn(number, forests[number], drawn, rows)
    if not column.features[0].ordered:
        commonest = np.bincount(chain.codes[chain.learnt, number]).argmax()
        agreement, by_commonest = float((met == true).mean()), float((true == commonest).mean())
        return told | {"agreement": round(agreement, 4), "by_commonest": round(by_commonest, 4)}
    varied = true.std() > 0 and met.std() > 0
    return told | {"correlation": round(float(np.corrcoef(true, met)[0, 1]), 4) if varied else None}
