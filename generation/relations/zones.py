"""Clocks across zones: ``arrival = departure + minutes``, and as many hours more or less as a code says: an airport."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np

from generation.relations.clocks import DAY, clock_after, clocks_before, minutes_of, never_zero
from generation.relations.columns import Column, Floats, Ints, K, Sample, Words
from generation.relations.relation import Drawn, Relation, share_of

_QUARTER = 15  # minutes: zones differ by quarters of an hour
_HOLDS = 0.99
_COVERED = 0.9  # of the rows, at least, lie in levels that ten people have
_MOST_OFFSETS = 24


class ClockAcross(Relation):
    """``out`` is what a clock shows when the second input, in minutes, has passed since the first, in another zone.

    The zone is that of the level of ``of``: ``offsets`` are minutes for each of ``levels``, which ten people have;
    ``rest`` are those of any other one. ``as_number`` and ``midnight`` are as in ``ClockAfter``.
    """

    kind: Literal["clock across"] = "clock across"
    of: str
    levels: tuple[str, ...]
    offsets: tuple[int, ...]
    rest: int
    as_number: bool
    midnight: bool

    @property
    def formula(self) -> str:
        return f"{self.out} = {self.inputs[0]} + {self.inputs[1]} minutes, in the zone of {self.of}"

    @property
    def places(self) -> str:
        """The name under which ``drawn`` has each row's place in ``levels``, -1 elsewhere."""
        return f"\x1fplaces of {self.of} for {self.out}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        if self.places not in drawn:
            return
        start, length, old = drawn[self.inputs[0]], drawn[self.inputs[1]], drawn[self.out]
        offsets = np.array([*self.offsets, self.rest], np.float64)[drawn[self.places].astype(np.int64)]
        new = clock_after(start, length + offsets, as_number=self.as_number, midnight=self.midnight)
        drawn[self.out] = np.where(np.isnan(old) | np.isnan(new), old, new)

    def places_of(self, levels: Sequence[str | None]) -> Floats:
        """The place of each of ``levels``, -1 of those that have none."""
        known = {level: place for place, level in enumerate(self.levels)}
        return np.array([-1 if level is None else known.get(level, -1) for level in levels], np.float64)


def find_clock_across(sample: Sample, out: Column, others: Collection[Column]) -> ClockAcross | None:
    """Return the clock, the minutes and the code that make ``out``."""
    for start, length, known in clocks_before(out, others):
        left = np.mod(minutes_of(out)[known] - minutes_of(start)[known] - length.values[known], DAY)
        if (left % _QUARTER == 0).mean() < _HOLDS or len(np.unique(left)) > _MOST_OFFSETS * 2:
            continue
        for name, (codes, levels) in sample.codes.items():
            found = _offsets(left, codes[known], levels, sample, np.flatnonzero(known))
            if found is not None:
                share, kept, offsets, rest = found
                return ClockAcross(
                    out=out.name,
                    inputs=(start.name, length.name),
                    share=share_of(share),
                    of=name,
                    levels=kept,
                    offsets=offsets,
                    rest=rest,
                    as_number=out.is_clock,
                    midnight=never_zero(out),
                )
    return None


def _offsets(
    left: Floats, codes: Ints, levels: Sequence[str], sample: Sample, rows: Ints
) -> tuple[float, tuple[str, ...], tuple[int, ...], int] | None:
    """The share of rows with their level's commonest offset, those levels and offsets, and the commonest of all."""
    kept: list[str] = []
    offsets: list[int] = []
    fits = covered = 0
    for place in np.unique(codes[codes >= 0]).tolist():
        here = codes == place
        values, counts = np.unique(left[here], return_counts=True)
        mode = values[counts.argmax()]
        chosen = np.zeros(sample.rows, bool)
        chosen[rows[here & (left == mode)]] = True
        if sample.holders(chosen) < K:
            continue
        kept.append(levels[place])
        offsets.append(int((mode + DAY // 2) % DAY - DAY // 2))
        fits, covered = fits + int(counts.max()), covered + int(here.sum())
    if len(set(offsets)) < 2 or len(set(offsets)) > _MOST_OFFSETS or covered < _COVERED * len(left):
        return None
    if fits < _HOLDS * covered:
        return None
    whole, counts = np.unique(offsets, return_counts=True)
    return fits / covered, tuple(kept), tuple(offsets), int(whole[counts.argmax()])
