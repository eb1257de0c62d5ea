"""The questions that a report answers, each with its verdict and the figures behind it, in the words of pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.quality.figures import Measured, at, between, decimal, plain, score, share
from catalog.shapes import TableQuality
from marketplace.web.plots import Curve
from marketplace.web.templatetags.units import percent, setting, thousands

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
_USEFULNESS = (
    ("real", "Learnt from real rows", "What a model reaches on withheld rows that learnt from real ones."),
    ("made", "Learnt from made rows", "What the same model reaches on them that learnt from made rows instead."),
    ("ratio", "Made of real", "The second of the first. 1: made rows are as good to learn from."),
    ("importances_alike", "Looks at the same columns", "Whether both models rely on the same columns. 1: they do."),
)
_IMPORTANCES = 12
_GROUP_HEADS = ("share, real", "share, made", "outcome, real", "outcome, made", "predicted, real", "predicted, made")
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
    note: str = ""


def sections(table: TableQuality) -> list[Section]:
    """What the report of a table answers, in the order of pages."""
    return [_likeness(table), _usefulness(table), _privacy(table), _fairness(table)]


def _likeness(table: TableQuality) -> Section:
    found = table.likeness or {}
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


def _usefulness(table: TableQuality) -> Section:
    found, verdict = table.usefulness, table.verdict.get("usefulness", "")
    if found is None:
        return Section("usefulness", "Usefulness", verdict)
    figures = [score(found.get(member), name, meaning) for member, name, meaning in _USEFULNESS]
    gap = plain(found.get("gap"), "Lost", "The first less the second: what it costs to learn from made rows.")
    figures.insert(3, gap)
    target = f"What a model makes of {found['target']}" if found.get("target") else ""
    chosen = found.get("chosen")
    return Section(
        "usefulness",
        "Usefulness",
        verdict,
        [one for one in figures if one],
        curve=_mixes(found),
        curve_words=f"{target}, by the share of made rows it learnt from",
        tables=list(_importances(found)),
        note=f"{target} is the question here. {chosen}" if chosen else "",
    )


def _mixes(found: Mapping[str, Any]) -> Curve | None:
    """The curve over mixes of real and made rows, beside what real rows alone reach."""
    points = [(mix["made"], mix["score"]) for mix in found.get("mixes") or () if mix["score"] is not None]
    if len(points) < 2:
        return None
    best = at(found, "best", "made")
    places = [place for place, _ in points]
    return Curve(points, at(found, "real", "value"), places.index(best) if best in places else None)


def _importances(found: Mapping[str, Any]) -> Iterator[Table]:
    columns = found.get("importances") or ()
    if columns:
        yield Table(
            "What each model looks at",
            ("column", "learnt from real rows", "learnt from made rows"),
            [(one["column"], decimal(one["real"]), decimal(one["made"])) for one in columns[:_IMPORTANCES]],
            "How far the score on withheld rows falls when the column is shuffled in them.",
        )


def _privacy(table: TableQuality) -> Section:
    found = table.privacy or {}
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
    verdict = table.verdict.get("privacy", "")
    return Section("privacy", "Privacy", verdict, [one for one in figures if one], found.get("findings", ()))


def _fairness(table: TableQuality) -> Section:
    found, verdict = table.fairness, table.verdict.get("fairness", "")
    if found is None:
        return Section("fairness", "Fairness", verdict)
    tables = [one for column in found.get("columns", ()) for one in _groups(column, found)]
    counter = found.get("counter")
    return Section(
        "fairness",
        "Fairness",
        verdict,
        findings=found.get("warnings", ()),
        tables=tables,
        note=f"Settings that would counter it: {setting(counter)}." if counter else "",
    )


def _groups(column: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Table]:
    """Two tables of a column: its groups beside those of the real table, and the measures over them."""
    name, positive = column["column"], found.get("positive") or "the outcome"
    yield Table(
        f"By {name}",
        ("group", *_GROUP_HEADS),
        [
            (group["group"], *_beside(group, "share"), *_beside(group, "outcome"), *_selected(group))
            for group in column["groups"]
        ],
        f"Outcome: the share of rows in which {positive}. Predicted: how often a model says so of withheld rows, "
        "having learnt from real rows or from made ones.",
    )
    yield Table(
        f"Measures by {name}",
        ("measure", "real rows", "made rows", "growth"),
        [
            (measure.replace("_", " "), decimal(one["real"]), decimal(one["made"]), between(one["growth"]))
            for measure, one in column["measures"].items()
        ],
        "Differences: 0 is the same for all groups. Ratios: 1 is. Growth with the bounds of its interval.",
    )


def _beside(group: Mapping[str, Any], what: str) -> tuple[str, str]:
    return percent(at(group, "fitted", what)), percent(at(group, what, "value"))


def _selected(group: Mapping[str, Any]) -> tuple[str, str]:
    real, made = (at(group, kind, "selection_rate") for kind in ("real", "made"))
    return percent(real), percent(made)


def _attack(found: Mapping[str, Any]) -> Measured | None:
    name, meaning = _ATTACKS.get(found["attack"], (str(found["attack"]).replace("_", " ").capitalize(), ""))
    counted = f"{_counted(found['attacks'])} attacks succeeded; on strangers {_counted(found['control'])}."
    title = f"{name}: {found['column']}" if found.get("column") else name
    return share(found["risk"], title, f"{meaning} {counted}", whole=(0.0, 1.0))


def _counted(attacks: Mapping[str, int]) -> str:
    return f"{thousands(attacks['succeeded'])} of {thousands(attacks['tried'])}"
