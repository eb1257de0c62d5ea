"""How well the missing cells of a buyer's own table were filled, as its version's answer key says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic import TypeAdapter

from catalog.quality.figures import Figure, Measured, score, share
from catalog.shapes import FilledColumn
from marketplace.web.templatetags.units import thousands

_COLUMNS = TypeAdapter(dict[str, FilledColumn])


def filled_cells(answer_key: Mapping[str, Any]) -> Sequence[Measured]:
    """One figure for each column that was filled, in the order of the answer key; none where none was."""
    columns = _COLUMNS.validate_python(answer_key.get("filled") or {})
    return [_measured(name, column) for name, column in columns.items()]


def _measured(name: str, column: FilledColumn) -> Measured:
    cells = f"{thousands(column.filled)} cells were filled."
    if column.agreement is not None:
        words = f"{cells} Of {thousands(column.tried)} known ones, those in which what was drawn is what stands there."
        found = share(_figure(column.agreement, commonest=column.by_commonest), name, words)
    elif column.correlation is not None:
        words = f"{cells} Correlation of what was drawn with what stands in {thousands(column.tried)} known ones."
        found = score(_figure(column.correlation), name, words, low=min(0.0, column.correlation))
    else:
        words = f"{cells} Too few known ones to try it on, or all alike: {thousands(column.tried)}."
        found = score(_figure(None), name, words)
    return replace(cast(Measured, found), mono=True)


def _figure(value: float | None, **yardsticks: float | None) -> Figure:
    return {"value": value, "interval": None, "yardsticks": yardsticks, "why": ""}
