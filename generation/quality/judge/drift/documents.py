"""How a sketch differs from another, or from published statistics (schema ``lookalike/statistics/1``) of a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
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
    of Kolmogorov and Smirnov for numbers, total variation for categories; missing ones are a bin of ``index`` and have
    a test of their own. ``chance`` is corrected over all columns, and that of the difference that is certain, wherever
    rows are inside the bins of a sketch, or within half a bin of the straight line in the wider ones of statistics.
    Raises ValueError for documents of another kind.
    """
    mine, theirs = distributions(before), distributions(after)
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


def distributions(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the columns whose distribution a document tells, by name, each as a sketch holds it.

    Those of statistics may also have ``rank_error``, by which shares of rows may be off. Raises ValueError for a
    document of another kind.
    """
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
            yield {**told, **kind, "edges": edges, "counts": counts}
        else:
            yield {**told, **kind, **_ranked(column["histogram"], column.get("quantiles"))}


def _ranked(histogram: Mapping[str, Any], quantiles: Mapping[str, Any] | None) -> dict[str, Any]:
    """Cut where a histogram and quantiles know the rank: bins alone would be blind where most rows are in one."""
    places = [_number(edge) for edge in histogram["edges"]]
    total = sum(histogram["counts"])
    known = list(zip(places[1:], np.cumsum(histogram["counts"]).tolist(), strict=True))
    known += [(_number(value), share * total) for share, value in (quantiles or {"at": []})["at"]]
    ranks: dict[float, float] = {}
    highest = 0.0
    for place, rank in sorted(known):
        highest = max(highest, rank)
        if places[0] < place < places[-1]:
            ranks[place] = highest
    counts = np.diff(list(ranks.values()), prepend=0.0, append=total)
    error = max(histogram["rank_error"], (quantiles or histogram)["rank_error"])
    return {"edges": list(ranks), "counts": counts.tolist(), "rank_error": error}


def _alike(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    return ("levels" in mine) == ("levels" in theirs)


def _compared(name: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    missing = [np.array([_known(one), one["missing"]], np.float64) for one in (mine, theirs)]
    compared = _levels(mine, theirs) if "levels" in mine else _numbers(mine, theirs)
    index, distance, moved, chance = compared
    return {
        "column": name,
        "kind": mine["kind"],
        "index": round(index, 6),
        "distance": round(distance, 6),
        "transport": None if moved is None else round(moved, 6),
        "missing": {"before": mine["missing"], "after": theirs["missing"]},
        # Two tests, of the values and of the gaps: the smaller chance counts twice (Bonferroni).
        "chance": min(2 * chance, 2 * same_levels(*missing), 1.0),
    }


def _known(column: Mapping[str, Any]) -> float:
    """Return how many rows have a value."""
    if "levels" in column:
        return float(sum(count for _, count in column["levels"]) + column["other"])
    return float(sum(column["counts"]))


def _levels(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[float, float, None, float]:
    """Compare counts of levels; one that a document does not name is among its others."""
    ours, others = dict(mine["levels"]), dict(theirs["levels"])
    named = [level for level in ours if level in others or not theirs["other"]]
    named += [level for level in others if level not in ours and not mine["other"]]
    before, after = (
        np.array([*(counts.get(level, 0) for level in named), _rest(counts, set(named)) + one["other"]], np.float64)
        for counts, one in ((ours, mine), (others, theirs))
    )
    index = stability_index(np.append(before, mine["missing"]), np.append(after, theirs["missing"]))
    return index, total_variation(before, after), None, same_levels(before, after)


def _rest(counts: Mapping[str, int], named: Set[str]) -> int:
    return sum(count for level, count in counts.items() if level not in named)


def _numbers(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[float, float, float | None, float]:
    """Compare cumulative shares where both know them, or know them to be between two of their edges."""
    rows = [sum(one["counts"]) for one in (mine, theirs)]
    if not mine["edges"] or not theirs["edges"]:
        gaps = [np.array([count, one["missing"]], np.float64) for count, one in zip(rows, (mine, theirs), strict=True)]
        return stability_index(*gaps), 0.0, None, 1.0
    at = np.unique([*mine["edges"], *theirs["edges"]])
    below, other = (shares_below(one, at) for one in (mine, theirs))
    below, other = _settled(below, other, mine, at), _settled(other, below, theirs, at)
    edges = _cuts(mine, theirs)
    binned = [
        np.append(np.diff(shares_below(one, edges), prepend=0.0, append=1.0) * count, one["missing"])
        for one, count in zip((mine, theirs), rows, strict=True)
    ]
    span = float(at[-1] - at[0])
    moved = transport(at, below, other) / span if 0 < span < np.inf else None
    chance = same_numbers(_certain_gap(mine, theirs, at), rows[0], rows[1])
    return stability_index(binned[0], binned[1]), largest_gap(below, other), moved, chance


def _cuts(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Floats:
    """Return about tenths of ``mine``, where the side of wider bins knows its ranks: the other is cut more truly."""
    wide = max((mine, theirs), key=lambda one: max(one["counts"]) / max(sum(one["counts"]), 1))
    edges = np.asarray(wide["edges"], np.float64)
    first, last = (pick(mine["edges"][end], theirs["edges"][end]) for pick, end in ((max, 0), (min, -1)))
    shared = (edges >= first) & (edges <= last)
    edges = edges[shared] if shared.any() else edges
    below = shares_below(mine, edges)
    cuts: Floats = np.unique(edges[np.abs(below[:, None] - _TENTHS).argmin(axis=0)])
    return cuts


def _settled(below: Floats, other: Floats, column: Mapping[str, Any], at: Floats) -> Floats:
    """Take the shares of ``column`` to be as near to ``other`` as can be, where its outermost bins have no edge."""
    low, high = _between(column, at)
    outside = (at < column["edges"][0]) | (at > column["edges"][-1])
    settled: Floats = np.where(outside, np.clip(other, low, high), below)
    return settled


def _certain_gap(mine: Mapping[str, Any], theirs: Mapping[str, Any], at: Floats) -> float:
    """Return how far the cumulative shares lie apart at least, wherever the rows are inside their bins."""
    (low, high), (least, most) = (_between(one, at) for one in (mine, theirs))
    return float(np.maximum(low - most, least - high).max(initial=0.0))


def _between(column: Mapping[str, Any], at: Floats) -> tuple[Floats, Floats]:
    """Return what the share of rows up to each point is at least and at most.

    Bins of statistics are wide: there the share is taken to lie within half a bin of the straight line.
    """
    error = column.get("rank_error", 0.0)
    counts = np.asarray(column["counts"], np.float64)
    cumulative = np.concatenate([[0.0], np.cumsum(counts) / max(counts.sum(), 1)])
    edges = np.asarray(column["edges"], np.float64)
    low: Floats = cumulative[np.searchsorted(edges, at, side="right")]
    high: Floats = cumulative[np.searchsorted(edges, at, side="left") + 1]
    if "rank_error" in column:
        inside = (at >= edges[0]) & (at <= edges[-1])
        straight, half = shares_below(column, at), (high - low) / 2
        low = np.where(inside, np.maximum(low, straight - half), low)
        high = np.where(inside, np.minimum(high, straight + half), high)
    return low - error, high + error


def shares_below(column: Mapping[str, Any], at: Floats) -> Floats:
    """Return the share of the known rows up to each point, straight between the edges of a distribution."""
    counts = np.asarray(column["counts"], np.float64)
    cumulative = np.cumsum(counts)[:-1] / max(counts.sum(), 1)
    shares: Floats = np.interp(at, np.asarray(column["edges"], np.float64), cumulative)
    return shares


def places_of(shares: Floats, below: Floats, at: Floats) -> Floats:
    """Return the places below which ``shares`` of the rows lie, where ``below`` are the shares up to each of ``at``."""
    first = np.unique(below, return_index=True)[1]
    places: Floats = np.interp(shares, below[first], at[first])
    return places


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
