"""What changed between two versions of a dataset: computed at publishing from what both versions say of themselves.

No data is read again: recipes tell the settings, layouts the columns, and the statistics of all rows how far each
column's distribution moved. Numbers and times: the Kolmogorov–Smirnov distance, the largest gap between the two
cumulative distributions (A. N. Kolmogorov 1933; N. V. Smirnov 1939). Classes: the total variation distance, half the
sum of the gaps between shares (D. A. Levin, Y. Peres, Markov Chains and Mixing Times, 2nd ed. 2017, proposition 4.2).
Both lie between 0, the same, and 1, nothing in common.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from catalog import attachments
from catalog.models import Attachment, ShelfState, Version
from marketplace.web.templatetags.units import percent, thousands

#: The kind of work that makes a difference.
DIFFERENCE: Final = "catalog.difference"
KIND: Final = "difference"
_ORDERED = frozenset({"number", "time"})
_NO_STATISTICS = "one of the versions has no statistics"
_DIGITS = 6


def make(version: Version) -> None:
    """Compute and attach how ``version`` differs from the one before; nothing for the first, or a withdrawn one."""
    before = compared_with(version)
    if before is None or version.shelf.state == ShelfState.State.WITHDRAWN:
        return
    document = between(before, version, statistics(before), statistics(version))
    body = json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    attach(before, version, attachments.store(KIND, body))


def attach(before: Version, version: Version, finding: attachments.Finding) -> None:
    """Attach to ``version`` what was found by comparing it with ``before``, unless one of them is withdrawn."""
    with transaction.atomic():
        # Whoever withdraws either of them holds these rows: then what was computed is not shown.
        shelves = (
            ShelfState.objects.select_for_update(no_key=True)
            .filter(version__in=[before, version])
            .order_by("version_id")
        )
        if all(shelf.state != ShelfState.State.WITHDRAWN for shelf in shelves):
            attachments.put(version, finding)


def compared_with(version: Version) -> Version | None:
    """The version that ``version`` is compared with: the one before it whose bytes still exist."""
    earlier = version.dataset.versions.readable().newest_first()
    number = (version.major, version.minor, version.patch)
    return next((one for one in earlier if (one.major, one.minor, one.patch) < number), None)


def shown(version: Version) -> dict[str, Any] | None:
    """The difference of ``version`` as a page shows it: columns that changed most come first; ``None`` without one."""
    document = Attachment.objects.filter(version=version, kind=KIND).first()
    if document is None:
        return None
    difference: dict[str, Any] = attachments.load(document)
    for table in difference["tables"]:
        table["columns"].sort(key=_how_much)
        for column in table["columns"]:
            ends = {figure: _pair(column[figure], _figure) for figure in ("minimum", "maximum")}
            column["words"] = {"nulls": _pair(column["nulls"], percent), **ends}
    return difference


def between(
    before: Version,
    after: Version,
    counted_before: Mapping[str, Any] | None,
    counted_after: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The difference of two versions in the shape of ``catalog.shapes.Difference``, from their statistics."""
    makers = before.recipe["generator"], after.recipe["generator"]
    return {
        "schema": "lookalike/difference/1",
        "against": {"number": before.number, "digest": before.digest},
        "generator": [f"{maker['name']} {maker['version']}" for maker in makers],
        "generator_digest": [maker["digest"] for maker in makers],
        "parameters": _settings(before.recipe["parameters"], after.recipe["parameters"]),
        "units": [before.units, after.units],
        "rows": [before.rows, after.rows],
        "bytes": [before.bytes, after.bytes],
        "tables": _tables((before.layout, after.layout), (counted_before, counted_after)),
    }


def statistics(version: Version) -> Mapping[str, Any] | None:
    """The statistics of all rows of a version; ``None`` where they were not counted."""
    found = version.attachments.filter(kind="statistics").first()
    return None if found is None else attachments.load(found)


def _how_much(column: Mapping[str, Any]) -> tuple[bool, float]:
    drift = column["drift"]
    return column["state"] == "kept", -drift["value"] if drift else 0.0


def _pair(pair: Sequence[Any], write: Callable[[Any], str]) -> str:
    """Two figures in words, one where they are the same."""
    before, after = ("–" if figure is None else write(figure) for figure in pair)
    return after if before == after else f"{before} → {after}"


def _figure(value: Any) -> str:
    return thousands(value) if isinstance(value, int | float) else str(value).replace("T", " ")


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings whose values are not the same, in the order of the later version."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]


def _tables(layouts: Sequence[Mapping[str, Any]], counted: Sequence[Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    schemas = [{table["name"]: table["schema"] for table in layout["tables"]} for layout in layouts]
    counts = [(one or {}).get("tables", {}) for one in counted]
    names = [*schemas[1], *(name for name in schemas[0] if name not in schemas[1])]
    return [_table(name, [one.get(name) for one in schemas], [one.get(name) for one in counts]) for name in names]


def _table(
    name: str, schemas: Sequence[Sequence[Mapping[str, Any]] | None], counted: Sequence[Mapping[str, Any] | None]
) -> dict[str, Any]:
    types = [{column["name"]: column["type"] for column in schema or ()} for schema in schemas]
    columns = [{column["name"]: column for column in (one or {"columns": ()})["columns"]} for one in counted]
    names = [*types[1], *(column for column in types[0] if column not in types[1])]
    return {
        "name": name,
        "state": _presence(*schemas) if None in schemas else "kept" if types[0] == types[1] else "changed",
        "rows": [None if one is None else one["rows"] for one in counted],
        "columns": [
            _column(column, [one.get(column) for one in types], [one.get(column) for one in columns])
            for column in names
        ],
    }


def _presence(before: object, after: object) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "kept" if before == after else "changed"


def _column(name: str, types: Sequence[str | None], counted: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    drift, why = _drift(types, counted)
    return {
        "name": name,
        "state": _presence(*types),
        "type": list(types),
        "nulls": [_nulls(one) for one in counted],
        **{figure: [(one or {}).get(figure) for one in counted] for figure in ("minimum", "maximum", "mean")},
        "drift": drift,
        "unmeasured": why,
    }


def _nulls(counted: Mapping[str, Any] | None) -> float | None:
    if counted is None:
        return None
    return float(counted["nulls"] / max(counted["count"] + counted["nulls"], 1))


def _drift(
    types: Sequence[str | None], counted: Sequence[Mapping[str, Any] | None]
) -> tuple[dict[str, Any] | None, str]:
    """The distance of two columns, or why there is none."""
    before, after = counted
    if None in types or types[0] != types[1]:
        return None, "" if None in types else "its type changed"
    if before is None or after is None:
        return None, _NO_STATISTICS
    if before["kind"] != after["kind"] or not before["count"] or not after["count"]:
        return None, "one of the versions has no values"
    if before["kind"] in _ORDERED:
        return _kolmogorov_smirnov(before, after)
    if before.get("values") and after.get("values"):
        return _total_variation(before, after), ""
    return None, f"{before['kind']} of many values"


def _total_variation(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    shares = [
        {json.dumps(entry["value"]): entry["count"] / one["count"] for entry in one["values"]}
        for one in (before, after)
    ]
    gaps = (abs(shares[0].get(value, 0.0) - shares[1].get(value, 0.0)) for value in {*shares[0], *shares[1]})
    value = round(min(math.fsum(gaps) / 2, 1.0), _DIGITS)
    return {"measure": "total variation distance", "value": value, "exact": True, "rank_error": 0.0}


def _kolmogorov_smirnov(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
    distributions = [_distribution(before), _distribution(after)]
    if None in distributions:
        return None, "its values have no place on one line"
    one, other = (distribution for distribution in distributions if distribution is not None)
    places = np.union1d(one.places, other.places)
    gaps = np.concatenate([one.at(places) - other.at(places), one.below(places) - other.below(places)])
    measured = {
        "measure": "Kolmogorov–Smirnov distance",
        "value": round(float(min(np.abs(gaps).max(), 1.0)), _DIGITS),
        "exact": one.rank_error == 0 and other.rank_error == 0,
        "rank_error": one.rank_error + other.rank_error,
    }
    return measured, ""


@dataclass(frozen=True)
class _Distribution:
    """A cumulative distribution: ``ranks`` at ``places``; in steps where every value was counted, else in lines."""

    places: NDArray[np.float64]
    ranks: NDArray[np.float64]
    rank_error: float

    def at(self, where: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of values up to and including each place."""
        return self._ranks(where, "right")

    def below(self, where: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of values under each place."""
        return self._ranks(where, "left")

    def _ranks(self, where: NDArray[np.float64], side: Any) -> NDArray[np.float64]:
        if self.rank_error:
            return np.interp(where, self.places, self.ranks, left=0.0, right=1.0)
        steps = np.concatenate([[0.0], self.ranks])
        return np.asarray(steps[np.searchsorted(self.places, where, side=side)])


def _distribution(counted: Mapping[str, Any]) -> _Distribution | None:
    """What is known of a column's cumulative distribution: from the counts of its values, else from its sketch."""
    if counted.get("values"):
        pairs = [(_place(entry["value"]), entry["count"]) for entry in counted["values"]]
        if any(place is None for place, _ in pairs):
            return None
        pairs.sort()
        counts = np.cumsum([count for _, count in pairs], dtype=np.float64)
        return _Distribution(np.array([place for place, _ in pairs], np.float64), counts / counts[-1], 0.0)
    if not counted.get("histogram") or not counted.get("quantiles"):
        return None
    return _sketched(counted)


def _sketched(counted: Mapping[str, Any]) -> _Distribution | None:
    """Ranks at the edges of the histogram and at the quantiles, joined by lines."""
    histogram, quantiles = counted["histogram"], counted["quantiles"]
    below = np.concatenate([[0.0], np.cumsum(histogram["counts"], dtype=np.float64)])
    known = [*zip(histogram["edges"], below / max(below[-1], 1.0), strict=True)]
    known += [(place, share) for share, place in quantiles["at"]]
    placed = sorted((place, float(rank)) for value, rank in known if (place := _place(value)) is not None)
    if len(placed) != len(known):
        return None
    places = np.array([place for place, _ in placed])
    ranks = np.maximum.accumulate(np.array([rank for _, rank in placed]))
    return _Distribution(places, ranks, float(max(histogram["rank_error"], quantiles["rank_error"])))


def _place(value: Any) -> float | None:
    """A number or a point in time as a place on a line; ``None`` for what is neither."""
    if isinstance(value, int | float):
        return float(value)
    for read in (float, _moment, _clock):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text.removesuffix("Z"))
    return (moment - datetime.min).total_seconds()  # noqa: DTZ901 (both without a zone)


def _clock(text: str) -> float:
    at = time.fromisoformat(text)
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6
