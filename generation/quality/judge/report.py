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
    groups      what ``groups`` documents, or null
    cost        what ``cost`` documents, or null: other shares or independence were asked
    relations   [{"formula", "column", "drawn", "recomputed": likeness of the column, "kept": as drawn,
                "held_on": share of rows, "looked_up": true}…]   what the generator says became of relations that were
                found in the source: recomputed on every row, looked up from another column, or not held; likeness where
                it was measured, and the share of rows that keep it nevertheless where it was let go for what was asked
    rests_on    [{"figures": what, "rows": sentence}…]   how many rows each part of the report looked at
    not_tested  [sentence…]
    verdict     {"likeness", "usefulness", "privacy", "fairness", "groups", "cost": sentence}
    refused     sentence, or null: why the made table must not be published

A figure is ``{"value", "interval", "yardsticks", "why"}``; see ``figures``. No value of any table is in the report but
labels of groups, which ten people hold at least; where ``fairness`` proposes conditions, bands end at rounded numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from generation.quality.judge.cost import Wished, judge_cost, weights_of
from generation.quality.judge.detection import judge_detection
from generation.quality.judge.fairness import judge_fairness
from generation.quality.judge.frames import Frame, Ints, frames, left_out
from generation.quality.judge.groups import judge_groups
from generation.quality.judge.likeness import judge_likeness
from generation.quality.judge.privacy import ATTACKS, QUERIES, REFERENCES, Census, Everybody, judge_privacy
from generation.quality.judge.usefulness import judge_usefulness

SCHEMA = "lookalike/quality/1"
#: Rows of each table that are looked at, at most, and cells.
ROWS, CELLS = 50_000, 2_000_000

_FEWEST = 20  # rows of a table of which anything can be said
_APART = 0.05  # a column's shape so far under the hold-out's is named, and a share of missing cells so far off
_NAMED = 5  # columns that a sentence names at most

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Asked:
    """What the buyer named, all of it columns: what is to be learned, what groups people, what must not be guessed.

    ``wished`` is what was asked to be other than in the real table. Levels of ``public`` columns, lists of codes, may
    be known to anybody.
    """

    target: str | None = None
    sensitive: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    wished: Wished = field(default_factory=Wished)


@dataclass(frozen=True)
class Source:
    """What is known of all who were learned from, where more is known than the table of them tells.

    ``rows`` is how many there are where the table is a sample, which then has a ``census``; ``people`` says whose each
    row of the table is, where a person may have several; ``relations`` are told on as they are.
    """

    rows: int | None = None
    census: Census | None = None
    people: Ints | None = None
    relations: tuple[Mapping[str, Any], ...] = ()


def judge(
    fitted: pa.Table,
    holdout: pa.Table,
    made: pa.Table,
    *,
    asked: Asked,
    seed: bytes,
    tell: Tell,
    source: Source = Source(),
) -> dict[str, Any]:
    """Judge ``made`` against what it was learned from and what was withheld; this module's docstring has the shape.

    All chance depends on ``seed``; ``tell`` hears which share is done, and what is done next. Raises KeyError when a
    table lacks a column of ``fitted``.
    """
    source = source or Source()
    tell(0.0, "Judging: reading the tables")
    names = left_out(fitted.schema)
    whole = frames(fitted, holdout, made)
    target = asked.target if asked.target in whole[0].names else None
    places = [sampled(frame, target, np.random.default_rng([*seed, place])) for place, frame in enumerate(whole)]
    tables = [frame.take(some) for frame, some in zip(whole, places, strict=True)]
    people = None if source.people is None else source.people[places[0]]

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
        return report | _nothing(_too_few(whole))
    tell(0.05, "Judging: likeness")
    report["likeness"] = judge_likeness(*tables, people=people, rng=drawn("likeness"))
    tell(0.1, "Judging: telling made rows from real ones")
    report["likeness"]["detection"] = judge_detection(*tables, rng=drawn("detection"))
    tell(0.4, "Judging: usefulness")
    report["usefulness"] = _useful(tables, asked, drawn("usefulness"))
    tell(0.6, "Judging: attacks on privacy")
    everybody = Everybody(whole[0], census=source.census, people=source.people)
    report["privacy"] = _private(tables, asked, everybody, drawn("privacy"))
    tell(0.9, "Judging: fairness")
    learned = report["usefulness"]
    named = target or (learned["target"] if learned else None)
    report["fairness"] = judge_fairness(
        *tables, target=named, sensitive=asked.sensitive, people=people, rng=drawn("fairness")
    )
    tell(0.95, "Judging: rare groups")
    report["groups"] = _grouped(whole, asked, named, source, drawn("groups"))
    report["cost"] = judge_cost(*tables, wished=asked.wished, target=named, people=people, rng=drawn("cost"))
    report["relations"] = [dict(one) for one in source.relations]
    report["rests_on"] = list(_rests_on(report, source))
    report["not_tested"] = _not_tested(report)
    report["verdict"] = {
        "likeness": _alike(report["likeness"]),
        "usefulness": _teaches(report["usefulness"], asked.target),
        "privacy": report["privacy"]["verdict"],
        "fairness": _fair(report["fairness"], asked.sensitive),
        "groups": _said(report["groups"], "Not measured: no column has groups of ten people."),
        "cost": _said(report["cost"], "Nothing was asked to be other than in the real table."),
    }
    report["refused"] = report["privacy"]["refused"]
    tell(1.0, "Judged")
    return report


def sampled(frame: Frame, target: str | None, rng: np.random.Generator) -> Ints:
    """Return the places of all rows, or of a large frame of ``ROWS`` rows and ``CELLS`` cells at most, shuffled.

    Rows are drawn evenly, of each class of a target that is a category as many as its share of the table asks for.
    """
    most = min(ROWS, CELLS // max(len(frame.columns), 1))
    order: Ints = rng.permutation(frame.rows)
    if frame.rows <= most:
        return order
    if target is not None and frame.column(target).kind == "category":
        order = order[np.argsort(frame.column(target).codes()[order], kind="stable")]
    places: Ints = rng.permutation(order[np.arange(most) * frame.rows // most])
    return places


def _useful(tables: list[Frame], asked: Asked, rng: np.random.Generator) -> dict[str, Any] | None:
    if asked.target is not None and asked.target not in tables[0].names:
        return None
    fitted, holdout, made = tables
    return judge_usefulness(fitted, holdout, made, target=asked.target, avoid=asked.sensitive, rng=rng)


def _private(tables: list[Frame], asked: Asked, everybody: Everybody, rng: np.random.Generator) -> dict[str, Any]:
    fitted, holdout, made = tables
    found = judge_privacy(
        fitted, holdout, made, secrets=asked.secrets, public=asked.public, everybody=everybody, rng=rng
    )
    if names := [name for name in fitted.names if name in asked.public]:
        listed = ", ".join(names)
        found["verdict"] += f" Its owner says that {listed} holds public codes: rare ones stand in it as they are."
        found["not_tested"] = [f"Whether a rare code of {listed} tells of a person.", *found["not_tested"]]
    return found


def _grouped(
    whole: tuple[Frame, ...], asked: Asked, target: str | None, source: Source, rng: np.random.Generator
) -> dict[str, Any] | None:
    """Look for groups by all rows that were given, which is cheap."""
    fitted, _, made = whole
    columns = [name for name in asked.wished.columns if name in fitted.names]
    weights = weights_of(fitted, made, columns) if columns else None
    named = [name for name in fitted.names if name in (target, *asked.sensitive, *columns)]
    return judge_groups(fitted, made, named=named, people=source.people, weights=weights, rng=rng)


def _rests_on(report: Mapping[str, Any], source: Source) -> Iterator[dict[str, str]]:
    """Say of how many rows each part of the report was computed."""
    rows = report["rows"]
    given = f"{rows['fitted']:,} learned from, {rows['holdout']:,} withheld, {rows['made']:,} made"
    judged = report["rows"]["judged"]
    yield {"figures": "Single columns, pairs, coverage, exact matches", "rows": _most(given, judged, rows)}
    detection, learned = report["likeness"]["detection"], report["usefulness"]
    yield {"figures": "Detection", "rows": f"{detection['rows']:,} of each table"}
    if learned:
        rested = f"{learned['rows']['learned']:,} to learn from, {learned['rows']['tested']:,} withheld ones to test on"
        yield {"figures": "Usefulness", "rows": rested}
    if report["privacy"]["attacks"]:
        yield from _attacked({name: min(judged, rows[name]) for name in ("fitted", "holdout", "made")})
    every = rows["fitted"] if source.rows is None else source.rows
    yield {"figures": "Values of fewer than ten people", "rows": f"all {every:,} that were learned from"}
    if report["groups"]:
        yield {"figures": "Rare groups", "rows": f"{rows['fitted']:,} learned from, {rows['made']:,} made"}


def _attacked(rows: Mapping[str, int]) -> Iterator[dict[str, str]]:
    """Say how many rows attacks and distances took, of those that were looked at."""
    members, strangers = (min(ATTACKS, rows[name]) for name in ("fitted", "holdout"))
    yield {"figures": "Attacks on people", "rows": f"{members:,} people learned from, {strangers:,} withheld"}
    least = min(ATTACKS, *rows.values())
    yield {"figures": "Singling out", "rows": f"guesses from {least:,} made, tried on {least:,} of either side"}
    asked, among = min(QUERIES, rows["made"]), min(REFERENCES, rows["fitted"], rows["holdout"])
    yield {"figures": "Distance to the closest", "rows": f"{asked:,} made, each among {among:,} of either side"}


def _most(given: str, judged: int, rows: Mapping[str, int]) -> str:
    whole = max(rows[name] for name in ("fitted", "holdout", "made")) <= judged
    return given if whole else f"{judged:,} of each at most, drawn by chance from {given}"


def _said(section: Mapping[str, Any] | None, otherwise: str) -> str:
    return otherwise if section is None else str(section["verdict"])


def _nothing(why: str) -> dict[str, Any]:
    sections = ("likeness", "usefulness", "privacy", "fairness", "groups", "cost")
    return {
        **dict.fromkeys(sections),
        "relations": [],
        "rests_on": [],
        "not_tested": [why],
        "verdict": dict.fromkeys(sections, why),
        "refused": None,
    }


def _too_few(whole: tuple[Frame, ...]) -> str:
    fitted, holdout, made = (frame.rows for frame in whole)
    return (
        f"Nothing was measured: it takes a column to compare and {_FEWEST} rows each, and of {len(whole[0].columns):,} "
        f"columns there are {fitted:,} rows learned from, {holdout:,} withheld and {made:,} made."
    )


def _not_tested(report: Mapping[str, Any]) -> list[str]:
    """Name what no figure stands for."""
    fairness = report["fairness"] or {}
    sentences = [*report["privacy"]["not_tested"], *fairness.get("not_tested", ())]
    if report["left_out"]:
        sentences.append(f"Keys, lists, structs and bytes were not compared: {_named(report['left_out'])}.")
    likeness = report["likeness"]
    if (looked_at := len(likeness["pairs"])) < likeness["pairs_of"]:
        sentences.append(f"Of {likeness['pairs_of']:,} pairs of columns {looked_at:,} were compared, drawn by chance.")
    if report["groups"] and report["groups"]["sets"] < report["groups"]["sets_of"]:
        sets, of = report["groups"]["sets"], report["groups"]["sets_of"]
        sentences.append(f"Rare groups were looked for in {sets:,} columns and pairs of {of:,}.")
    if report["rows"]["judged"] < max(report["rows"][name] for name in ("fitted", "holdout", "made")):
        sentences.append(f"Of each table {report['rows']['judged']:,} rows at most were looked at, drawn by chance.")
    return sentences


def _alike(likeness: Mapping[str, Any]) -> str:
    overall, told = likeness["overall"], likeness["detection"]["boosted"]["fitted"]
    value, withheld = overall["value"], overall["yardsticks"].get("holdout")
    # The score leaves out a column of which nothing is there to compare, so it may be high all the same.
    gaps = [column for column in likeness["columns"] if _off(column["missing"]) > _APART]
    if value is None or withheld is None:
        return " ".join(["Not measured: there is nothing to compare.", *_gaps(gaps)])
    behind = withheld - value
    close = "As alike as" if behind <= 0.01 else "Nearly as alike as" if behind <= 0.03 else "Less alike than"
    scores = f"{value:.3f} of 1, withheld rows {withheld:.3f}"
    beside = f"what can be compared scores {scores}" if gaps else scores
    words = "Less alike than" if gaps else close
    sentences = [f"{words} withheld rows of the real table: {beside}.", *_gaps(gaps)]
    if told["value"] is not None:
        sentences.append(f"A model {_told(told['value'])} ({told['value']:.2f}, where 0.50 is guessing).")
    if warning := likeness["detection"]["warning"]:
        sentences.append(warning)
    far = [column["name"] for column in likeness["columns"] if _behind(column["shape"]) > _APART]
    if far:
        sentences.append(f"Least alike by {'itself' if len(far) == 1 else 'themselves'}: {_named(far)}.")
    return " ".join(sentences)


def _gaps(columns: list[Mapping[str, Any]]) -> Iterator[str]:
    """Say of which columns far other shares are missing than in the real table."""
    if columns:
        shares = [(one["name"], one["missing"]["made"], one["missing"]["fitted"]) for one in columns]
        told = [f"{made:.0%} of {name} instead of {fitted:.0%}" for name, made, fitted in shares]
        yield f"Other cells are missing: {_named(told)}."


def _off(missing: Mapping[str, Any]) -> float:
    """How much farther the share of missing cells is off than that of the withheld rows."""
    off = [abs(missing[who] - missing["fitted"]) for who in ("made", "holdout")]
    return float(off[0] - off[1])


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
