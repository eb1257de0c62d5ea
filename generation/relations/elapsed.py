"""The time between two moments: ``arrived = departed + minutes``, in the unit in which a third column counts it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np

from generation.relations.columns import Bools, Column, Floats, Sample, Words, all_known, rounded, uniforms
from generation.relations.relation import Drawn, Relation, share_of

_UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86_400.0}
_STEPS = (86_400.0, 3600.0, 60.0, 1.0, 1e-3, 1e-6)
_HOLDS = 0.99
_LEAST_ROWS = 200
_LEAST_LENGTHS = 10


class Elapsed(Relation):
    """``out`` is the moment at which the second input, a length of time, has passed since the first.

    Where the length was rounded, what it lost is put back: ``blur`` is what its last decimal is worth in seconds, 0
    where the sum is exact. ``step`` is the step of the moments in seconds.
    """

    kind: Literal["elapsed"] = "elapsed"
    unit: Literal["seconds", "minutes", "hours", "days"]
    blur: float
    step: float

    @property
    def formula(self) -> str:
        return f"{self.out} = {self.inputs[0]} + {self.inputs[1]} {self.unit}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old = drawn[self.out]
        length = drawn[self.inputs[1]] * _UNITS[self.unit]
        if self.blur:
            length = length + self.blur * 0.999 * (uniforms(words[self.out], 3) - 0.5)
        new = drawn[self.inputs[0]] + np.rint(length / self.step) * self.step
        drawn[self.out] = np.where(np.isnan(old) | np.isnan(new), old, new)

    def explains(self, drawn: Mapping[str, Floats]) -> Bools:
        length = drawn[self.inputs[1]] * _UNITS[self.unit]
        off = np.abs(drawn[self.out] - drawn[self.inputs[0]] - length)
        explained: Bools = off <= self.blur / 2
        return explained


def find_elapsed(sample: Sample, out: Column, others: Collection[Column]) -> Elapsed | None:
    """Return the moment and the length of time among ``others`` that make the moment ``out``."""
    if out.kind != "moment":
        return None
    for start in others:
        for length in others:
            if start.kind != "moment" or length.kind != "number" or length.distinct <= _LEAST_LENGTHS:
                continue
            known = all_known([out, start, length])
            if known.sum() < _LEAST_ROWS or length.decimals is None:
                continue
            passed = out.values[known] - start.values[known]
            for unit, seconds in _UNITS.items():
                if (found := _elapsed(out, start, length, passed, length.values[known], unit, seconds)) is not None:
                    return found
    return None


def _elapsed(
    out: Column, start: Column, length: Column, passed: Floats, lengths: Floats, unit: str, seconds: float
) -> Elapsed | None:
    exact = np.abs(passed - lengths * seconds) < 1e-3
    last = 10.0 ** -(length.decimals or 0)
    close = np.abs(rounded(passed / seconds, length.decimals or 0) - lengths) <= 1.01e-6 * last
    share = float(max(exact.mean(), close.mean()))
    if share < _HOLDS:
        return None
    steps = (step for step in _STEPS if (np.abs(passed - np.rint(passed / step) * step) < 1e-3).all())
    return Elapsed.model_validate(
        {
            "out": out.name,
            "inputs": (start.name, length.name),
            "share": share_of(share),
            "unit": unit,
            "blur": 0.0 if exact.mean() >= _HOLDS else last * seconds,
            "step": next(steps, 1e-6),
        }
    )
