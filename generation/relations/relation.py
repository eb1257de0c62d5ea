"""What a relation is: one column that follows from others on every row, and how a drawn row is made to keep it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, MutableMapping
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from generation.relations.columns import Bools, Floats, Words

Drawn = MutableMapping[str, Floats]


class Relation(BaseModel, ABC):
    """``out`` follows from ``inputs``; ``share`` is the share of rows that show it, rounded to three digits.

    Its ``formula`` names it: a relation between the same columns of the same kind has the same formula, whatever rows
    it was found on. Nothing in it is a value that fewer than ten people hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Relations of lower rank are put right first.
    rank: ClassVar[int] = 1

    out: str
    inputs: tuple[str, ...]
    share: float

    @property
    @abstractmethod
    def formula(self) -> str:
        """The relation in one line, such as ``total = net + tax``."""

    @property
    def formulas(self) -> frozenset[str]:
        """The lines that say the same: turned round, a relation is the same one."""
        return frozenset({self.formula})

    @property
    def sentence(self) -> str:
        """The relation for its owner: ``total = net + tax on every row``."""
        share = "every row" if self.share == 1 else f"{100 * self.share:.1f} % of rows"
        return f"{self.formula} on {share}"

    @property
    def changes(self) -> frozenset[str]:
        """The columns that ``put_right`` may overwrite."""
        return frozenset({self.out})

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the relation, the one that follows first."""
        return (self.out, *self.inputs)

    @abstractmethod
    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        """Overwrite ``drawn[out]`` where it and the inputs are known. ``words`` are the random words of each column."""

    def explains(self, drawn: Mapping[str, Floats]) -> Bools:
        """The rows that keep the relation by what rounding lost, though ``put_right`` would overwrite them."""
        return np.zeros(len(drawn[self.out]), bool)

    def firm(self, columns: Collection[str]) -> Self:
        """The relation as it is put right where other columns, if they can, give way rather than ``columns``."""
        return self


def share_of(held: float) -> float:
    """Round a share of rows so that only what holds on every one is 1."""
    return 1.0 if held >= 1 else min(0.999, round(held, 3))
