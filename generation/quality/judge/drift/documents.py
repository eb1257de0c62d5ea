"""How a sketch differs from another, or from published statistics (schema ``lookalike/statistics/1``) of a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np

from generation.quality.judge.drift.measures import (
    corrected,
    largest_gap,
    same_levels,
    same_numbers,
    stability_index,
    total_variation,
    transport,
)
from generation.quality.judge.drift.sketches import SCHEMA
from generation.quality.judge.frames import Floats

_TENTHS = np.arange(1, 10) / 10


def compare_sketches(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Say how the columns that both documents have differ.

    Returns ``{"rows": {"before", "after"}, "columns": [{"column", "kind", "index", "distance", "transport" or null,
    "missing": {"before", "after"}, "chance"}…], "only": {"before": [name…], "after": [name…]}}``. ``distance`` is that
    of Kolmogorov and Smirnov for numbers, total variation for categories; ``chance`` is corrected over all columns, and
    that of the difference that is certain, wherever rows are inside their bins. Raises ValueError for documents of
    another kind.
    """
    mine, theirs = _columns(before), _columns(after)
    shared = [name for name in mine if name in theirs and _alike(mine[name], theirs[name])]
    entries = [_compared(name, mine[name], theirs[name]) for name in shared]
    for entry, chance in zip(entries, corrected([entry["chance"] for entry in entries]), strict=True):
        entry["chance"] = float(f"{chance:.3g}")
    return {
        "rows": {"before": before["rows"], "after": after["rows"]},
        "columns": entries,
        "only": {
            "before": [name for name in mine if name not in shared],
            "after": [name for name in theirs if name not in shared],
        },
    }


def _columns(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    if document.get("schema") == SCHEMA:
        return {column["name"]: column for column in document["columns"]}
    if document.get("schema") == "lookalike/statistics/1":
        return {column["name"]: column for one in document["columns"] for column in _from_statistics(one)}
    raise ValueError("It is neither a sketch made by “lookalike profile” nor the statistics of a version.")


def _from_statistics(column: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a published column as a sketch would hold it, if its distribution was published."""
    told = {"name": column["name"], "missing": column["nulls"]}
    if column["kind"] in ("text", "boolean") and "values" in column:
        levels = [[_level(one["value"]), one["count"]] for one in column["values"]]
        yield {**told, "kind": "category", "levels": levels, "other": 0}
    if column["kind"] in ("number", "time") and "histogram" in column:
        missing = column["nulls"] + column.get("nan", 0) + column.get("infinite", 0)
        kind = {"kind": column["kind"], "missing": missing}
        if "values" in column:
            ordered = sorted((_number(one["value"]), one["count"]) for one in column["values"])
            edges, counts = [value for value, _ in ordered[:-1]], [count for _, count in ordered]
        else:
            histogram = column["histogram"]
            edges, counts = [_number(edge) for edge in histogram["edges"][1:-1]], histogram["counts"]
        yield {**told, **kind, "edges": edges, "counts": counts}


def _alike(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    return ("levels" in mine) == ("levels" in theirs)


def _compared(name: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    compared = _levels(mine, theirs) if "levels" in mine else _numbers(mine, theirs)
    index, distance, moved, chance = compared
    return {
        "column": name,
        "kind": mine["kind"],
        "index": round(index, 6),
        "distance": round(distance, 6),
        "transport": None if moved is None else round(moved, 6),
        "missing": {"before": mine["missing"], "after": theirs["missing"]},
        "chance": chance,
    }


def _levels(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[float, float, None, float]:
    """Compare counts of levels; one that a document does not name is among its others."""
    ours, others = dict(mine["levels"]), dict(theirs["levels"])
    named = [level for level in ours if level in others or not theirs["other"]]
    named += [level for level in others if level not in ours and not mine["other"]]
    before, after = (
        np.array([*(counts.get(level, 0) for level in named), _rest(counts, named) + one["other"]], np.float64)
        for counts, one in ((ours, mine), (others, theirs))
    )
    return stability_index(before, after), total_variation(before, after), None, same_levels(before, after)


def _rest(counts: Mapping[str, int], named: Sequence[str]) -> int:
    return sum(count for level, count in counts.items() if level not in named)


def _numbers(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[float, float, float | None, float]:
    """Compare cumulative shares where both know them, or know them to be between two of their edges."""
    if not mine["edges"] or not theirs["edges"]:
        return 0.0, 0.0, None, 1.0
    at = np.unique([*mine["edges"], *theirs["edges"]])
    below, other = (_below(one, at) for one in (mine, theirs))
    edges = np.unique(np.interp(_TENTHS, *_increasing(below, at)))
    binned = [np.diff(_below(one, edges), prepend=0.0, append=1.0) * sum(one["counts"]) for one in (mine, theirs)]
    span = float(at[-1] - at[0])
    moved = transport(at, below, other) / span if span > 0 else None
    chance = same_numbers(_certain_gap(mine, theirs, at), sum(mine["counts"]), sum(theirs["counts"]))
    return stability_index(binned[0], binned[1]), largest_gap(below, other), moved, chance


def _certain_gap(mine: Mapping[str, Any], theirs: Mapping[str, Any], at: Floats) -> float:
    """Return how far the cumulative shares lie apart at least, wherever the rows are inside their bins."""
    (low, high), (least, most) = (_between(one, at) for one in (mine, theirs))
    return float(np.maximum(low - most, least - high).max(initial=0.0))


def _between(column: Mapping[str, Any], at: Floats) -> tuple[Floats, Floats]:
    """Return what the share of rows up to each point is at least and at most."""
    counts = np.asarray(column["counts"], np.float64)
    cumulative = np.concatenate([[0.0], np.cumsum(counts) / max(counts.sum(), 1)])
    edges = np.asarray(column["edges"], np.float64)
    low: Floats = cumulative[np.searchsorted(edges, at, side="right")]
    high: Floats = cumulative[np.searchsorted(edges, at, side="left") + 1]
    return low, high


def _below(column: Mapping[str, Any], at: Floats) -> Floats:
    """Return the share of rows up to each point, straight between the edges."""
    counts = np.asarray(column["counts"], np.float64)
    cumulative = np.cumsum(counts)[:-1] / max(counts.sum(), 1)
    shares: Floats = np.interp(at, np.asarray(column["edges"], np.float64), cumulative)
    return shares


def _increasing(below: Floats, at: Floats) -> tuple[Floats, Floats]:
    first = np.unique(below, return_index=True)[1]
    return below[first], at[first]


def _level(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float:
    """Read a number or a point in time of published statistics as ``frames`` number them."""
    if not isinstance(value, str):
        return float(value)
    if ":" in value and "-" not in value:
        clock = time.fromisoformat(value)
        return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6
    try:
        return float(value)
    except ValueError:
        moment = datetime.fromisoformat(value) if ":" in value else datetime.combine(date.fromisoformat(value), time())
        return moment.replace(tzinfo=UTC).timestamp()
