"""A figure of a report: a number, how sure it is, and what it is read beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: What else was measured in the same way: rows withheld from fitting, a copy of the rows fitted on, such rows drawn
#: with replacement, columns drawn independently of each other, a model that is shown the answer, one that learned from
#: shuffled answers, and where it makes sense a guess without any data.
Yardstick = Literal["holdout", "copy", "bootstrap", "independent", "answer", "shuffled", "guess"]


@dataclass(frozen=True)
class Figure:
    """``value`` with the bounds of its 95 % interval, beside yardsticks. ``None`` where it could not be measured.

    ``why`` says in a sentence why it could not, or what has to be known to read it.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    yardsticks: Mapping[Yardstick, float | None] = field(default_factory=dict)
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the report holds it: rounded to six decimals, so that the same data gives the same bytes."""
        return {
            "value": _rounded(self.value),
            "interval": None if self.interval is None else [_rounded(bound) for bound in self.interval],
            "yardsticks": {name: _rounded(value) for name, value in self.yardsticks.items()},
            "why": self.why,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
