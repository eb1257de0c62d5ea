"""The report on drift: what moved, how much, whether it is more than chance, and what it means, in figures and words.

Of one table it is, all JSON, the same for the same input and seed::

    rows          {"before", "after": n}
    columns       [{"column", "kind", "index", "distance", "transport", "missing", "chance", "moved"}…], what moved most
                  first: as ``compare_tables`` or ``compare_sketches`` document it, and ``moved``
    only          {"before", "after": [name…]}   columns that one side alone has
    not_compared  [name…]   keys, lists, bytes, free text, and columns whose types have nothing in common
    together      F or null   how well a classifier tells both apart; takes rows
    model         {…} or null   whether a model of a target fails; takes rows
    verdict       {"columns", "together", "model": sentence}
    plots         [{"column", "kind", "levels" or "edges" and "open", "before", "after": [share…]}…] of those that moved
                  most; open bins have one below the first edge and one above the last

``moved`` is "much", "little" or "hardly", and "no" where chance alone explains it: the population stability index of a
small table is large by itself. Shares are of the rows that have a value. No bin or level of the side that nobody may
see has fewer than ten rows, since it is drawn from a sketch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from generation.quality.judge.drift.documents import compare_sketches, distributions, places_of, shares_below
from generation.quality.judge.drift.measures import SHIFTED, STABLE
from generation.quality.judge.drift.sketches import sketch
from generation.quality.judge.drift.tables import compare_tables
from generation.quality.judge.frames import frames, left_out

SCHEMA: Final = "lookalike/drift/1"

#: A difference that chance makes less often than this is one.
_SIGNIFICANT = 0.05
#: An area whose interval lies under this is no accident: each row that a model learnt lies in the other table too.
_BELOW_GUESSING = 0.48
_PLOTS = 12
_BARS = 24
_ENDS = np.array([0.01, 0.99])  # of the rows: beyond lie outliers, which the outer bars hold too
_LEVELS = 10
_FEW_EDGES = 12
_NAMED = 5
_ORDER = ("much", "little", "hardly", "no")
_TAKES_ROWS = "Not measured: that takes rows, and only their distributions were given."


def of_documents(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Report on two documents, each a sketch or published statistics of a table. Raises ValueError for others."""
    found = compare_sketches(before, after)
    names = [[column["name"] for column in one["columns"]] for one in (before, after)]
    columns = _columns(found["columns"])
    compared = {column["column"] for column in columns}
    return {
        "rows": found["rows"],
        "columns": columns,
        "only": _only(*names),
        "not_compared": [name for name in names[0] if name in names[1] and name not in compared],
        "together": None,
        "model": None,
        "verdict": {"columns": _moved_words(columns), "together": _TAKES_ROWS, "model": _inputs_words(columns)},
        "plots": _plots(columns, before, after),
    }


def of_tables(before: pa.Table, after: pa.Table, *, target: str | None, rng: np.random.Generator) -> dict[str, Any]:
    """Report on two tables; the roles of columns are those that ``before`` names."""
    kept = [left_out(pa.schema([field])) == [] for field in before.schema]
    alike = [
        field.name
        for field, keep in zip(before.schema, kept, strict=True)
        if keep and field.name in after.column_names and _comparable(field, after.schema.field(field.name))
    ]
    ours, others = before.select(alike), pa.table({name: after.column(name) for name in alike})
    found = compare_tables(*frames(ours, others), target=target, rng=rng)
    columns = _columns(found["columns"])
    return {
        "rows": {"before": before.num_rows, "after": after.num_rows},
        "columns": columns,
        "only": _only(before.column_names, after.column_names),
        "not_compared": [name for name in before.column_names if name in after.column_names and name not in alike],
        "together": found["together"],
        "model": found["model"],
        "verdict": {
            "columns": _moved_words(columns),
            "together": _together_words(found["together"]),
            "model": _model_words(found["model"], target, alike),
        },
        "plots": _plots(columns, sketch(ours), sketch(others)),
    }


def _comparable(ours: Any, theirs: Any) -> bool:
    """Whether both are numbers, both points in time of one sort, or both categories, whatever role ``theirs`` has."""
    return _sort(ours.type) == _sort(theirs.type) != ""


def _sort(type_: Any) -> str:
    is_ = pa.types
    if is_.is_dictionary(type_):
        type_ = type_.value_type
    if is_.is_integer(type_) or is_.is_floating(type_) or is_.is_decimal(type_):
        return "number"
    if is_.is_time(type_):
        return "clock"
    if is_.is_date(type_) or is_.is_timestamp(type_):
        return "time"
    if is_.is_boolean(type_) or is_.is_string(type_) or is_.is_large_string(type_):
        return "category"
    return ""


def _columns(compared: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    told = [{**column, "moved": _moved(column)} for column in compared]
    return sorted(told, key=lambda column: (_ORDER.index(column["moved"]), -column["index"]))


def _moved(column: Mapping[str, Any]) -> str:
    if column["chance"] >= _SIGNIFICANT:
        return "no"
    return "much" if column["index"] >= SHIFTED else "little" if column["index"] >= STABLE else "hardly"


def _only(before: Sequence[str], after: Sequence[str]) -> dict[str, list[str]]:
    mine, theirs = set(before), set(after)
    return {
        "before": [name for name in before if name not in theirs],
        "after": [name for name in after if name not in mine],
    }


def _moved_words(columns: Sequence[Mapping[str, Any]]) -> str:
    """Say how many columns moved how much, and name those that moved most."""
    if not columns:
        return "Not measured: there is no column that both have and that can be compared."
    of = "the one column" if len(columns) == 1 else f"{len(columns):,} columns"
    sentences = []
    for moved, words in (("much", "moved much"), ("little", "moved a little")):
        if names := [column["column"] for column in columns if column["moved"] == moved]:
            sentences.append(f"{len(names):,} of {of} {words}: {_named(names)}.")
    hardly = sum(column["moved"] == "hardly" for column in columns)
    if not sentences:
        more = f"; {hardly:,} differ by more than chance, but hardly" if hardly else ""
        return f"Of {of} none moved{more}."
    return " ".join(sentences)


def _together_words(together: Mapping[str, Any] | None) -> str:
    if together is None or together["value"] is None:
        return "Not measured: it takes a column that both have and fifty rows of each."
    low, high = together["interval"] or (together["value"], together["value"])
    if high < _BELOW_GUESSING:
        return (
            f"A model is wrong of rows more often than guessing would be: {together['value']:.2f} ({low:.2f} to "
            f"{high:.2f}). That is so where the same rows lie in both tables."
        )
    area = f"{together['value']:.2f} ({low:.2f} to {high:.2f}), where 0.50 is guessing"
    if low <= 0.5:
        return f"A model cannot tell the two tables apart: {area}."
    if together["value"] < 0.6:
        return f"A model hardly tells the two tables apart: {area}."
    return f"A model tells the two tables apart: {area}."


def _model_words(model: Mapping[str, Any] | None, target: str | None, alike: Sequence[str]) -> str:
    if model is not None:
        return str(model["verdict"])
    if target is None:
        return "Not measured: no column was named that a model is to predict."
    if target not in alike:
        return f"Not measured: {target} cannot be compared, or one of the tables lacks it."
    return f"Not measured: there are too few rows, or {target} never varies."


def _inputs_words(columns: Sequence[Mapping[str, Any]]) -> str:
    """Say what a model must expect as far as single columns tell."""
    if names := [column["column"] for column in columns if column["moved"] in ("much", "little")]:
        return (
            "Not measured: that takes rows. But a model that learns from the one meets other inputs in the other: "
            f"{_named(names)}. Test it there before it is relied on."
        )
    return f"{_TAKES_ROWS} No single column gives a reason to expect that it fails."


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _plots(
    columns: Sequence[Mapping[str, Any]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[dict[str, Any]]:
    mine, theirs = distributions(before), distributions(after)
    both = [one["column"] for one in columns if one["column"] in mine and one["column"] in theirs]
    drawn = (_plot(name, mine[name], theirs[name]) for name in both[:_PLOTS])
    return [plot for plot in drawn if plot is not None]


def _plot(name: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Both distributions over the same bins or levels; ``None`` where one has no bins."""
    told = {"column": name, "kind": mine["kind"]}
    if "levels" in mine:
        return {**told, **_level_shares(mine, theirs)}
    if not mine["edges"] or not theirs["edges"]:
        return None
    at = np.unique([*mine["edges"], *theirs["edges"]])
    ends = [places_of(_ENDS, shares_below(one, at), at) for one in (mine, theirs)]
    edges = np.unique(np.linspace(min(low for low, _ in ends), max(high for _, high in ends), _BARS + 1))
    few = len(at) <= _FEW_EDGES or len(edges) <= _FEW_EDGES
    if few:
        edges = at[np.unique(np.linspace(0, len(at) - 1, _FEW_EDGES).astype(int))]
    inner = edges if few else edges[1:-1]
    sides = [np.diff(shares_below(one, inner), prepend=0.0, append=1.0) for one in (mine, theirs)]
    before, after = (np.round(np.clip(side, 0, 1), 6).tolist() for side in sides)
    return {**told, "edges": edges.tolist(), "open": few, "before": before, "after": after}


def _level_shares(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    ours, others = dict(mine["levels"]), dict(theirs["levels"])
    named = sorted({*ours, *others}, key=lambda level: (-ours.get(level, 0) - others.get(level, 0), level))[:_LEVELS]
    sides = []
    for counts, one in ((ours, mine), (others, theirs)):
        total = max(sum(counts.values()) + one["other"], 1)
        sides.append([round(counts.get(level, 0) / total, 6) for level in named])
    return {"levels": named, "before": sides[0], "after": sides[1]}
