"""The judge's report on one table: every section, and in words what they come to.

``judge`` returns what the document ``lookalike/quality/1`` holds of one table; the document is
``{"schema": SCHEMA, "tables": {name: this}}``. All JSON, the same bytes for the same tables, asking and seed::

    rows        {"fitted", "holdout", "made": n, "judged": n}   rows given, and how many of each table at most were
                looked at: ``sampled`` says how they were drawn; the sections say which take fewer of them
    left_out    [column…]   keys, and what cannot be compared
    likeness    what ``likeness`` documents, and "detection": what ``detection`` does
    usefulness  what ``usefulness`` documents, or null
    privacy     what ``privacy`` documents
    fairness    what ``fairness`` documents, or null
    not_tested  [sentence…]
    verdict     {"likeness", "usefulness", "privacy", "fairness": sentence}
    refused     sentence, or null: why the made table must not be published

A figure is ``{"value", "interval", "yardsticks", "why"}``; see ``figures``. No value of any table is in the report but
labels of groups of a sensitive column, which many hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generation.quality.judge.detection import judge_detection
from generation.quality.judge.fairness import judge_fairness
from generation.quality.judge.frames import Frame, Ints, frames, left_out
from generation.quality.judge.likeness import judge_likeness
from generation.quality.judge.privacy import judge_privacy
from generation.quality.judge.usefulness import judge_usefulness

SCHEMA = "lookalike/quality/1"
#: Rows of each table that are looked at, at most, and cells.
ROWS, CELLS = 50_000, 2_000_000

_FEWEST = 20  # rows of a table of which anything can be said
_APART = 0.05  # a column's shape so far under the hold-out's is named
_NAMED = 5  # columns that a sentence names at most

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Asked:
    """What the buyer named, all of it columns: what is to be learned, what groups people, what must not be guessed."""

    target: str | None = None
    sensitive: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def judge(
    fitted: pa.Table, holdout: pa.Table, made: pa.Table, *, asked: Asked, seed: bytes, tell: Tell
) -> dict[str, Any]:
    """Judge ``made`` against what it was learned from and what was withheld; this module's docstring has the shape.

    All chance depends on ``seed``; ``tell`` hears which share is done, and what is done next. Raises KeyError when a
    table lacks a column of ``fitted``.
    """
    tell(0.0, "Judging: reading the tables")
    names = left_out(fitted.schema)
    whole = frames(fitted, holdout, made)
    target = asked.target if asked.target in whole[0].names else None
    tables = [sampled(frame, target, np.random.default_rng([*seed, place])) for place, frame in enumerate(whole)]

    def drawn(section: str) -> np.random.Generator:
        return np.random.default_rng([*seed, *section.encode()])

    report: dict[str, Any] = {
        "rows": {
            **dict(zip(("fitted", "holdout", "made"), (frame.rows for frame in whole), strict=True)),
            "judged": max(frame.rows for frame in tables),
        },
        "left_out": names,
    }
    if not whole[0].columns or min(frame.rows for frame in whole) < _FEWEST:
        return report | _nothing(f"Nothing was measured: it takes a column and {_FEWEST} rows of each table.")
    tell(0.05, "Judging: likeness")
    report["likeness"] = judge_likeness(*tables, rng=drawn("likeness"))
    tell(0.1, "Judging: telling made rows from real ones")
    report["likeness"]["detection"] = judge_detection(*tables, rng=drawn("detection"))
    tell(0.4, "Judging: usefulness")
    report["usefulness"] = _useful(tables, asked, drawn("usefulness"))
    tell(0.6, "Judging: attacks on privacy")
    report["privacy"] = judge_privacy(*tables, secrets=asked.secrets, everybody=whole[0], rng=drawn("privacy"))
    tell(0.9, "Judging: fairness")
    learned = report["usefulness"]
    report["fairness"] = judge_fairness(
        *tables,
        target=target or (learned["target"] if learned else None),
        sensitive=asked.sensitive,
        rng=drawn("fairness"),
    )
    report["not_tested"] = _not_tested(report)
    report["verdict"] = {
        "likeness": _alike(report["likeness"]),
        "usefulness": _teaches(report["usefulness"], asked.target),
        "privacy": report["privacy"]["verdict"],
        "fairness": _fair(report["fairness"], asked.sensitive),
    }
    report["refused"] = report["privacy"]["refused"]
    tell(1.0, "Judged")
    return report


def sampled(frame: Frame, target: str | None, rng: np.random.Generator) -> Frame:
    """Return the frame, or of a large one ``ROWS`` rows and ``CELLS`` cells at most, in an order by chance.

    Rows are drawn evenly, of each class of a target that is a category as many as its share of the table asks for.
    """
    most = min(ROWS, CELLS // max(len(frame.columns), 1))
    order: Ints = rng.permutation(frame.rows)
    if frame.rows <= most:
        return frame.take(order)
    if target is not None and frame.column(target).kind == "category":
        order = order[np.argsort(frame.column(target).codes()[order], kind="stable")]
    return frame.take(rng.permutation(order[np.arange(most) * frame.rows // most]))


def _useful(tables: list[Frame], asked: Asked, rng: np.random.Generator) -> dict[str, Any] | None:
    if asked.target is not None and asked.target not in tables[0].names:
        return None
    fitted, holdout, made = tables
    return judge_usefulness(fitted, holdout, made, target=asked.target, avoid=asked.sensitive, rng=rng)


def _nothing(why: str) -> dict[str, Any]:
    sections = ("likeness", "usefulness", "privacy", "fairness")
    return {
        **dict.fromkeys(sections),
        "not_tested": [why],
        "verdict": dict.fromkeys(sections, why),
        "refused": None,
    }


def _not_tested(report: Mapping[str, Any]) -> list[str]:
    """Name what no figure stands for."""
    fairness = report["fairness"] or {}
    sentences = [*report["privacy"]["not_tested"], *fairness.get("not_tested", ())]
    if report["left_out"]:
        sentences.append(f"Keys, lists, structs and bytes were not compared: {_named(report['left_out'])}.")
    likeness = report["likeness"]
    if (looked_at := len(likeness["pairs"])) < likeness["pairs_of"]:
        sentences.append(f"Of {likeness['pairs_of']:,} pairs of columns {looked_at:,} were compared, drawn by chance.")
    if report["rows"]["judged"] < max(report["rows"][name] for name in ("fitted", "holdout", "made")):
        sentences.append(f"Of each table {report['rows']['judged']:,} rows at most were looked at, drawn by chance.")
    return sentences


def _alike(likeness: Mapping[str, Any]) -> str:
    overall, told = likeness["overall"], likeness["detection"]["boosted"]["fitted"]
    value, withheld = overall["value"], overall["yardsticks"].get("holdout")
    if value is None or withheld is None:
        return "Not measured: there is nothing to compare."
    behind = withheld - value
    words = "As alike as" if behind <= 0.01 else "Nearly as alike as" if behind <= 0.03 else "Less alike than"
    sentences = [f"{words} withheld rows of the real table: {value:.3f} of 1, withheld rows {withheld:.3f}."]
    if told["value"] is not None:
        sentences.append(f"A model {_told(told['value'])} ({told['value']:.2f}, where 0.50 is guessing).")
    if warning := likeness["detection"]["warning"]:
        sentences.append(warning)
    far = [column["name"] for column in likeness["columns"] if _behind(column["shape"]) > _APART]
    if far:
        sentences.append(f"Least alike by {'itself' if len(far) == 1 else 'themselves'}: {_named(far)}.")
    return " ".join(sentences)


def _told(area: float) -> str:
    for bound, words in (
        (0.55, "can hardly tell made rows from real ones"),
        (0.65, "tells some made rows from real ones"),
        (0.85, "tells many made rows from real ones"),
    ):
        if area <= bound:
            return words
    return "nearly always tells made rows from real ones"


def _behind(figure: Mapping[str, Any]) -> float:
    value, withheld = figure["value"], figure["yardsticks"].get("holdout")
    return 0.0 if value is None or withheld is None else float(withheld - value)


def _teaches(usefulness: Mapping[str, Any] | None, target: str | None) -> str:
    if usefulness is None:
        of = "of the columns" if target is None else f"that {target} is one"
        return f"Not measured: a model needs a target that it can learn and be tested on, and none {of} was found."
    ratio = usefulness["ratio"]
    if ratio["value"] is None:
        return f"Not measured: {usefulness['target']} cannot be learned from the real table either."
    low, high = ratio["interval"]
    share = f"{ratio['value']:.1%} (95 % interval {low:.1%} to {high:.1%})"
    sentences = [
        f"A model of {usefulness['target']} that learned from made rows scores {share} of what one that learned from "
        "the real rows does, on rows that neither has seen."
    ]
    best = usefulness["best"]
    if best["beyond_noise"]:
        sentences.append(f"Best is a mix of which {best['made']:.0%} is made.")
    return " ".join(sentences)


def _fair(fairness: Mapping[str, Any] | None, sensitive: tuple[str, ...]) -> str:
    if fairness is not None:
        return str(fairness["verdict"])
    if not sensitive:
        return "Not measured: no sensitive column was named."
    return f"Not measured: there are no groups large enough, or no target to predict, for {_named(list(sensitive))}."


def _named(columns: list[str]) -> str:
    more = len(columns) - _NAMED
    return ", ".join(columns[:_NAMED]) + (f" and {more} more" if more > 0 else "")
