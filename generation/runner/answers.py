"""What the judge is given of simulated data: made rows, what the answer key says was planted, what was counted in all.

Runs in a child process without secrets. What it returns is the document ``lookalike/quality/1``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyarrow import parquet as pq

from generation.quality.judge.answer_key import Counted, Expected, judge_answer_key, verdict, warnings
from generation.quality.judge.frames import Frame, frames
from generation.quality.judge.report import SCHEMA
from generation.runner.planted import planted_in
from generation.sdk import Planted, Streams

_SECTIONS = ("likeness", "usefulness", "privacy", "fairness")


def report(
    made: Path,
    *,
    key: Mapping[str, Any],
    counted: Mapping[str, Any],
    seed: str,
    tell: Callable[[float, str], None],
) -> dict[str, Any]:
    """Look for what ``key``, an answer key, says was planted.

    ``made`` has a Parquet file of made rows for each table in which something was; ``counted`` says of each how many
    ``rows`` it has in all, and under ``values`` of its columns how often each value is there, [{"value", "count"}…], if
    that is known; on ``seed``, 64 hex digits, all chance depends.
    """
    drawn, planted = Streams(bytes.fromhex(seed)[:16], "answers"), planted_in(key)
    tables = {}
    for place, name in enumerate(sorted({one.table for one in planted})):
        tell(place / len(planted), f"Looking for what was planted in {name}")
        rows = pq.read_table(made / f"{name}.parquet", use_threads=False)
        (frame,) = frames(rows)
        found = [
            judge_answer_key(
                frame,
                [Expected(cause.value, cause.rows, cause.share, cause.columns) for cause in one.causes],
                column=one.column,
                nothing=one.nothing,
                gives_away=one.gives_away,
                unit=one.unit,
                counted=_counted(counted[name], one.column),
                whole=rows.num_rows == counted[name]["rows"],
                rng=drawn.rng(f"{name}/{one.column}"),
            )
            for one in planted
            if one.table == name
        ]
        tables[name] = _told(rows.num_rows, found, [_unseen(one, frame) for one in planted if one.table == name])
    return {"schema": SCHEMA, "tables": tables}


def _told(rows: int, found: Sequence[dict[str, Any]], unseen: Sequence[str]) -> dict[str, Any]:
    """A table of the document: nothing was learnt from, so nothing but the answer key is judged."""
    return {
        "rows": {"fitted": 0, "holdout": 0, "made": rows, "judged": max(one["rows"] for one in found)},
        "left_out": [],
        **dict.fromkeys(_SECTIONS),
        "answer_key": {"planted": found, "findings": [sentence for one in found for sentence in warnings(one)]},
        "not_tested": [sentence for sentence in unseen if sentence],
        "verdict": {"answer_key": " ".join(verdict(one) for one in found)},
        "refused": None,
    }


def _unseen(planted: Planted, frame: Frame) -> str:
    """How many of the named columns are keys or cannot be compared; which ones, only the answer key says."""
    named = {name for cause in planted.causes for name in cause.columns}
    unseen = len(named - set(frame.names))
    if not unseen:
        return ""
    return (
        f"Of {len(named)} columns that tell of {planted.column}, as the answer key says, {unseen} were shown to no "
        "model: a plain one learns nothing from keys, lists and bytes."
    )


def _counted(table: Mapping[str, Any], column: str) -> Counted | None:
    """The values of a column in all rows, where each of them was counted."""
    values = table["values"].get(column)
    return None if values is None else Counted(table["rows"], {_level(one["value"]): one["count"] for one in values})


def _level(value: Any) -> str:
    """A value as frames name it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
