"""Making rows: drawn, put right, and drawn again where they cannot be; the last ones are given by rows made before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray
from generation.generators.tabular.fitted.cells import spread_cells
from generation.generators.tabular.fitted.demanded import Demanded, part_plans
from generation.generators.tabular.fitted.model import draw
from generation.generators.tabular.fitted.privacy import Bools, Ints
from generation.generators.tabular.fitted.rules import Columns
from generation.generators.tabular.fitted.settling import Held, bound_by, settle, touched, unkept
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.generators.tabular.fitted.words import words
from generation.relations import Lookup, Relation
from generation.relations.columns import Words
from generation.sdk import State, Streams

_TURNS = 8
_CELL = "\x1fcell"
_DONORS_A_CELL = 64
_LEAST_DONORS = 1_024
_MOST_DONORS = 8_192


def make_rows(
    held: Held, asked: Demanded, plans: Sequence[ColumnPlan], state: State, streams: Streams, units: range, total: int
) -> list[ArrowArray]:
    """Return the columns of ``plans`` of the rows ``units`` out of ``total``."""
    cells = None
    if held.shares is not None and held.order is not None:
        cells = spread_cells(held.shares, held.order, streams, units, total)
    columns, wrong = _Making(held, asked, plans, state, streams, units, cells).rows()
    if held.donors is not None and wrong.any():
        places = _donors_of(held.donors, wrong, cells, words(streams, "donors", units))
        columns = _replaced(columns, plans, wrong, {name: held.donors.column(name) for name in columns}, places)
    return list(columns.values())


@dataclass(frozen=True)
class Trial:
    """Rows made when the table was learned: those that keep everything, each with its cell, and why others do not.

    ``rest`` is the share of the rows that keep everything; ``unkept`` counts for each relation that is held, by its
    formula, how many others break it.
    """

    donors: pa.Table
    rest: float
    unkept: Mapping[str, int]


def make_donors(
    held: Held, asked: Demanded, plans: Sequence[ColumnPlan], state: State, streams: Streams, cells: int
) -> Trial | None:
    """Make rows of each of ``cells`` cells (0: of any) that keep all that is asked; ``None`` if nothing is."""
    if not bound_by(asked):
        return None
    amount = min(_MOST_DONORS, max(_LEAST_DONORS, _DONORS_A_CELL * cells))
    chosen = np.arange(amount, dtype=np.int64) % max(cells, 1)
    making = _Making(held, asked, plans, state, streams, range(amount), chosen if cells else None, again=" donors")
    columns, wrong = making.rows()
    made = pa.table({**columns, _CELL: pa.array(chosen)}).filter(pa.array(~wrong))
    return Trial(made.sort_by(_CELL).combine_chunks(), 1 - float(wrong.mean()), making.unkept(columns, wrong))


def share_kept(relation: Relation | Lookup, donors: pa.Table, streams: Streams) -> float:
    """The share of the rows made when the table was learned that keep a relation which nothing held them to."""
    held = Held(lookups=[relation]) if isinstance(relation, Lookup) else Held(relations=[relation])
    columns: Columns = {name: donors.column(name).combine_chunks() for name in donors.column_names}
    chance = {name: words(streams, f"kept {name}", range(donors.num_rows)) for name in donors.column_names}
    return 1 - float(unkept(held, columns, chance, donors.schema)[relation.formula].mean())


def cells_of_donors(donors: pa.Table, cells: int) -> Bools:
    """Which of ``cells`` cells have donors: rows of the others cannot be made."""
    there: Bools = np.isin(np.arange(cells), donors.column(_CELL).to_numpy())
    return there


def _donors_of(donors: pa.Table, wrong: Bools, cells: Ints | None, chance: Ints | np.ndarray) -> Ints:
    """A donor of its cell for each of the ``wrong`` rows."""
    of = donors.column(_CELL).to_numpy()
    wanted = np.zeros(int(wrong.sum()), np.int64) if cells is None else cells[wrong]
    first, last = np.searchsorted(of, wanted, side="left"), np.searchsorted(of, wanted, side="right")
    places: Ints = first + (chance[wrong] % np.maximum(last - first, 1).astype(np.uint64)).astype(np.int64)
    return places


class _Making:
    """Draws the rows ``units`` in some turns, each for those that the turns before did not bring to rest."""

    def __init__(
        self,
        held: Held,
        asked: Demanded,
        plans: Sequence[ColumnPlan],
        state: State,
        streams: Streams,
        units: range,
        cells: Ints | None,
        again: str = "",
    ) -> None:
        self._held = held
        self._asked = asked
        self._plans = plans
        self._state = state
        self._streams = streams
        self._units = units
        self._cells = cells
        self._again = again
        self._types = pa.schema([pa.field(plan.name, plan.type) for plan in plans])

    def rows(self) -> tuple[Columns, Bools]:
        """The columns, and the rows that came to rest in no turn."""
        columns, wrong = self._turn(self._again, np.arange(len(self._units)))
        for turn in range(1, _TURNS):
            if not wrong.any():
                break
            places = np.flatnonzero(wrong)
            others, still = self._turn(f"{self._again} again {turn}", places)
            better = np.zeros(len(wrong), bool)
            better[places[~still]] = True
            columns = _replaced(columns, self._plans, better, others, np.flatnonzero(~still))
            wrong &= ~better
        return columns, wrong

    def unkept(self, columns: Columns, wrong: Bools) -> dict[str, int]:
        """Of the ``wrong`` rows that ``rows`` returned, how many break each relation."""
        chance = self._chance(self._again, np.arange(len(wrong)))
        return {
            formula: int((broken & wrong).sum())
            for formula, broken in unkept(self._held, columns, chance, self._types).items()
        }

    def _chance(self, again: str, rows: Ints) -> dict[str, Words]:
        names = touched(self._held, self._asked)
        return {name: words(self._streams, f"held {name}{again}", self._units)[rows] for name in names}

    def _turn(self, again: str, rows: Ints) -> tuple[Columns, Bools]:
        cells = None if self._cells is None else self._cells[rows]
        plans = [*self._plans, *part_plans(self._asked.wishes)]
        drawn = draw(self._state, plans, self._streams, self._units, cells, again=again, rows=rows)
        columns: Columns = dict(zip(self._types.names, drawn, strict=False))
        parts = [one.cast(pa.int64()).to_numpy(zero_copy_only=False) for one in drawn[len(columns) :]]
        chance = self._chance(again, rows)
        return columns, settle(self._held, self._asked, columns, parts, chance, self._types)


def _replaced(columns: Columns, plans: Sequence[ColumnPlan], at: Bools, others: Columns, places: Ints) -> Columns:
    """The columns with the rows ``at`` taken from ``places`` of other ones, but for keys."""
    if not at.any():
        return columns
    index = np.arange(len(at))
    index[at] = len(at) + places
    taken: Columns = {}
    for plan in plans:
        array = columns[plan.name]
        if plan.fate == "learned":
            other = others[plan.name]
            other = other.combine_chunks() if isinstance(other, pa.ChunkedArray) else other
            array = pa.concat_arrays([array, other]).take(pa.array(index))
        taken[plan.name] = array
    return taken
