"""From what was counted and sketched to the figures that are shown, each with what it is worth."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from generation.quality.moments import Moments
from generation.quality.sketches import DISTINCT_ERROR, RANK_ERROR, Floats, quantiles, ranks
from generation.quality.values import Values

_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_BINS = 24
_EXACT_IN_JSON = 1 << 53
_TIMES = re.compile(r"(?:date32|date64|timestamp|time32|time64|duration)\[(day|s|ms|us|ns)")
_SECONDS = {"day": 86_400.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Render = Callable[[Any], Any]


def finished(values: Values, moments: Moments | None, type_: str) -> dict[str, Any]:
    """Return the figures of one column whose Arrow type is called ``type_``."""
    render = _renderer(type_)
    result: dict[str, Any] = {}
    if moments is not None and moments.count:
        result |= _spread(moments, type_, render)
    result |= _occurrences(values, render)
    if moments is not None and moments.count:
        result |= _shape(values, moments, render)
    return result


def _spread(moments: Moments, type_: str, render: Render) -> dict[str, Any]:
    time = _TIMES.match(type_)
    scale = _SECONDS[time[1]] if time else 1.0
    deviation = moments.deviation
    return {
        "minimum": render(moments.minimum),
        "maximum": render(moments.maximum),
        "mean": render(moments.mean),
        "deviation": deviation * scale if deviation is not None else None,
    }


def _occurrences(values: Values, render: Render) -> dict[str, Any]:
    if values.counts is not None:
        ordered = sorted(values.counts.items(), key=lambda item: (-item[1], item[0]))
        return {
            "distinct": {"value": len(ordered), "exact": True},
            "values": [{"value": render(value), "count": count} for value, count in ordered],
        }
    if values.distinct.exact:
        return {"distinct": {"value": values.distinct.count(), "exact": True}}
    return {
        "distinct": {"value": values.distinct.count(), "exact": False, "standard_error": round(DISTINCT_ERROR, 4)},
    }


def _shape(values: Values, moments: Moments, render: Render) -> dict[str, Any]:
    """Quantiles and histogram: exact from counts, else from the digest."""
    exact = values.counts is not None
    worth: dict[str, Any] = {"exact": exact, "rank_error": 0.0 if exact else RANK_ERROR}
    low, high = float(moments.minimum), float(moments.maximum)
    edges = _edges(low, high)
    if values.counts is not None:
        keys = sorted(values.counts)
        counts = np.array([values.counts[key] for key in keys])
        at = [keys[i] for i in np.searchsorted(np.cumsum(counts), np.array(_SHARES) * counts.sum(), side="left")]
        binned = np.histogram(np.array(keys, np.float64), bins=edges, weights=counts)[0] if high > low else counts
    else:
        means, weights = _digest(values)
        at = [float(value) for value in quantiles(means, weights, _SHARES, low, high)]
        below = np.round(ranks(means, weights, edges[1:], low, high) * moments.count)
        binned = np.diff(below, prepend=0)
    return {
        "quantiles": {**worth, "at": [[share, render(value)] for share, value in zip(_SHARES, at, strict=True)]},
        "histogram": {
            **worth,
            "edges": [render(float(edge)) for edge in edges],
            "counts": [int(count) for count in binned],
        },
    }


def _edges(low: float, high: float) -> Floats:
    """Return edges equally far apart; one bar where there is one value."""
    if high == low:
        return np.array([low, high])
    if np.isfinite(high - low):
        return np.linspace(low, high, _BINS + 1)
    return np.linspace(low / 2, high / 2, _BINS + 1) * 2


def _digest(values: Values) -> tuple[Floats, Floats]:
    if values.digest is None:
        raise ValueError("what has no order has no quantiles")
    return values.digest.clusters()


def _renderer(type_: str) -> Render:
    """Return how values of a type are written in JSON."""
    time = _TIMES.match(type_)
    if time is None:
        return _plain
    seconds = _SECONDS[time[1]]
    if type_.startswith("duration"):
        return lambda value: value * seconds
    zone = "tz=" in type_
    return lambda value: _iso(value, seconds, type_, zoned=zone)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, int) and abs(value) > _EXACT_IN_JSON else value


def _iso(value: float, seconds: float, type_: str, *, zoned: bool) -> str:
    """Write a point in time as ISO 8601, to the microsecond; points beyond the year 9999 as a count of their unit."""
    try:
        moment = _EPOCH + (timedelta(seconds=value * seconds) if seconds >= 1 else _exactly(value, seconds))
    except OverflowError:
        return str(value)
    if type_.startswith(("time32", "time64")):
        return moment.time().isoformat()
    if type_.startswith("date") and moment.time() == datetime.min.time():
        return moment.date().isoformat()
    text = moment.replace(tzinfo=None).isoformat()
    return f"{text}Z" if zoned else text


def _exactly(value: float, seconds: float) -> timedelta:
    """Whole microseconds without going through seconds in floating point."""
    per_microsecond = seconds * 1e6
    whole = value * round(per_microsecond) if per_microsecond >= 1 else value // round(1 / per_microsecond)
    return timedelta(microseconds=whole)
