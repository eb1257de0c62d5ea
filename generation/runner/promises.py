"""The rules that a layout promises of every row: the writer refuses a row that breaks one, and counts the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.quality.arrow import ArrowArray
from generation.quality.sketches import firsts, hash_numbers, hash_texts
from generation.runner.checks import DataFault
from generation.runner.jobs import JsonObject
from generation.sdk.rules import read_rule, rows_that_keep


class Promises:
    """The rules of one table, and how many rows of the present file kept them.

    What is to be unique is so within a file; across files a generator sees to it, by a permutation.
    """

    def __init__(self, table: str, rules: Sequence[str]) -> None:
        self._table = table
        self._rules = [read_rule(text) for text in rules]
        self._rows = 0
        self._seen: dict[str, list[NDArray[np.uint64]]] = {rule.unique: [] for rule in self._rules if rule.unique}

    def check(self, rows: pa.RecordBatch) -> None:
        """Take the next rows. Raises ``DataFault`` when one of them breaks a rule; no value is told."""
        for rule in self._rules:
            if rule.unique is not None:
                self._seen[rule.unique].append(_hashes(rows.column(rule.unique).drop_null()))
            elif broken := int((~rows_that_keep(rule, rows)).sum()):
                raise DataFault(f"table {self._table}: the rule “{rule.text}” does not hold on {broken:,} rows")
        self._rows += rows.num_rows

    def finish(self) -> JsonObject:
        """What was seen, as a member of the partial statistics; nothing where no rule was promised.

        Raises ``DataFault`` when a value occurred twice that was to be unique.
        """
        for column, seen in self._seen.items():
            hashes = np.sort(np.concatenate([*seen, np.empty(0, np.uint64)]))
            if repeats := int(np.count_nonzero(~firsts(hashes))):
                raise DataFault(f"table {self._table}: the rule “unique {column}” does not hold on {repeats:,} rows")
        if not self._rules:
            return {}
        return {"rules": [{"rule": rule.text, "rows": self._rows, "held": self._rows} for rule in self._rules]}


def _hashes(values: ArrowArray) -> NDArray[np.uint64]:
    if pa.types.is_integer(values.type):
        return hash_numbers(values.to_numpy())
    return hash_texts(values.cast(pa.string()))
