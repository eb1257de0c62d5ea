"""The questions that a report answers, each with its verdict and the figures behind it, in the words of pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.quality.figures import Measured, at, plain, score, share
from catalog.shapes import TableQuality
from marketplace.web.plots import Curve
from marketplace.web.templatetags.units import thousands

#: (member of the section, name, what it means) of figures from 0 to 1, where 1 is as alike as can be.
_LIKENESS = (
    (
        "overall",
        "Likeness overall",
        "Mean of the next two. 1: columns and pairs are as in the table learnt from.",
    ),
    ("shapes", "Single columns", "How alike each column is by itself, on average over all columns."),
    ("trends", "Pairs of columns", "How alike pairs are whose columns depend on each other, on average."),
    ("correlations", "Correlations", "1 less the mean difference of the correlations of pairs of numbers."),
    (
        "missing_together",
        "Missing values",
        "Whether cells are empty as often, and together, as they should be.",
    ),
)
_DETECTION = (
    (
        "boosted",
        "fitted",
        "Told apart by boosted trees",
        "Rows learnt from against made ones. 0.5: a model can but guess.",
    ),
    (
        "boosted",
        "holdout",
        "The same, against withheld rows",
        "Not even rows learnt from, drawn again, come to 0.5 here.",
    ),
    (
        "linear",
        "fitted",
        "Told apart by a linear model",
        "Rows learnt from against made ones, as far as lines divide them.",
    ),
    ("linear", "holdout", "The same, against withheld rows", "As far as lines divide made rows from withheld ones."),
)
_ATTACKS = {
    "copied_rows": ("Copied rows", "Made rows that equal a learnt one, beyond those that equal a withheld one."),
    "near_matches": ("Near matches", "Made rows that lie closer to a learnt row than real rows lie to each other."),
    "own_values": ("Values of one person", "Values of this column that one person alone has, carried over."),
    "singling_out_univariate": ("Singling out by one column", "Guesses on one column that fit one person alone."),
    "singling_out_multivariate": ("Singling out by several", "Guesses on several columns that fit one person alone."),
    "inference": (
        "Guessing a column",
        "How much better it can be guessed of people learnt from than of strangers.",
    ),
    "linkability": ("Linking", "Whether two halves of what is known of a person find each other."),
    "membership": ("Membership", "Whether distance tells who was learnt from."),
    "membership_surest": ("Membership, surest cases", "Whether of some people it is plain that they were learnt from."),
}
_MEMORISED = (
    ("rare_levels", "Rare values", "Values that fewer than ten people hold and that stand in the made table."),
    ("repeated", "Repeated numbers", "Numbers that fewer than ten people hold and that it repeats far too often."),
    ("extremes", "Extremes", "Largest or smallest values of a column that stand in it; some coincide by chance."),
)


@dataclass(frozen=True)
class Table:
    """Figures side by side where one line each says too little: heads, and lines that begin with a name."""

    title: str
    heads: Sequence[str]
    lines: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One question that the report answers: its verdict in a sentence, and the figures behind it."""

    id: str
    title: str
    verdict: str
    figures: Sequence[Measured] = ()
    findings: Sequence[str] = ()
    curve: Curve | None = None
    curve_words: str = ""
    tables: Sequence[Table] = ()


def sections(table: TableQuality) -> list[Section]:
    """What the report of a table answers, in the order of pages."""
    found = [_likeness(table), _usefulness(table), _privacy(table), _fairness(table)]
    return [section for section in found if section is not None]


def _likeness(table: TableQuality) -> Section:
    found = table.likeness
    figures = [score(found.get(member), name, meaning) for member, name, meaning in _LIKENESS]
    figures += [
        score(at(found, "detection", model, against), name, meaning) for model, against, name, meaning in _DETECTION
    ]
    warning = at(found, "detection", "warning")
    return Section(
        "likeness",
        "Likeness",
        table.verdict.get("likeness", ""),
        [one for one in figures if one],
        [warning] if warning else [],
    )


def _usefulness(table: TableQuality) -> Section | None:
    found = table.usefulness
    if found is None:
        return None
    return Section("usefulness", "Usefulness", table.verdict.get("usefulness", ""))


def _privacy(table: TableQuality) -> Section:
    found = table.privacy
    figures = [
        share(
            at(found, "closest", "share"),
            "Nearer to a learnt row",
            "Made rows nearer to a row learnt from than to a withheld one. Half is even: nothing was memorised.",
        ),
        plain(
            at(found, "closest", "distance"),
            "Distance to the closest",
            "Median distance of a made row to the closest row learnt from, in columns that differ.",
        ),
        share(
            at(found, "copies", "share"),
            "Exact matches",
            "Made rows equal to a row learnt from. Withheld rows have some too, where tables are narrow.",
        ),
        share(
            found.get("membership_area"),
            "Membership, overall",
            "How often a person learnt from is nearer to the made table than a withheld one. Half is chance.",
        ),
    ]
    figures += [plain(at(found, "memorised", member), name, meaning) for member, name, meaning in _MEMORISED]
    figures += [_attack(attack) for attack in found.get("attacks", [])]
    verdict = table.verdict.get("privacy") or found.get("verdict", "")
    return Section("privacy", "Privacy", verdict, [one for one in figures if one], found.get("findings", ()))


def _fairness(table: TableQuality) -> Section | None:
    found = table.fairness
    if found is None:
        return None
    return Section("fairness", "Fairness", table.verdict.get("fairness", ""))


def _attack(found: Mapping[str, Any]) -> Measured | None:
    name, meaning = _ATTACKS.get(found["attack"], (str(found["attack"]).replace("_", " ").capitalize(), ""))
    tried = found["attacks"]
    counted = f"{thousands(tried['succeeded'])} of {thousands(tried['tried'])} attacks succeeded."
    title = f"{name}: {found['column']}" if found.get("column") else name
    return share(found["risk"], title, f"{meaning} {counted}", whole=(0.0, 1.0))
