"""The questions that a report answers, each with its verdict and the figures behind it, in the words of pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
_FIRST = 3  # figures of likeness that are shown at once
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
class Fold:
    """What a reader opens to see more: its title says what is inside, and what of it matters most."""

    title: str
    figures: Sequence[Measured] = ()
    tables: Sequence[Table] = ()
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One question that the report answers: its verdict in a sentence, the figure to decide by, and those behind it.

    ``folds`` are shown on demand.
    """

    id: str
    title: str
    verdict: str
    figures: Sequence[Measured] = ()
    findings: Sequence[str] = ()
    curve: Curve | None = None
    curve_words: str = ""
    tables: Sequence[Table] = ()
    note: str = ""
    folds: Sequence[Fold] = ()
    headline: Measured | None = None


def sections(table: TableQuality) -> list[Section]:
    """What the report of a table answers, in the order of pages; of a simulated one, what was planted.

    What it cost is told only where something was asked; there is nothing to tell of tables too small to measure.
    """
    if table.answer_key is not None:
        return [_answer_key(table, table.answer_key)]
    if table.likeness is None:
        return []
    found = [_likeness(table), _usefulness(table), _privacy(table), _fairness(table), _groups_of(table)]
    return [*found, *([_cost(table)] if table.cost is not None else [])]


def _likeness(table: TableQuality) -> Section:
    found = table.likeness or {}
    figures = [score(found.get(member), name, meaning) for member, name, meaning in _LIKENESS]
    told = [
        score(at(found, "detection", model, against), name, meaning) for model, against, name, meaning in _DETECTION
    ]
    warning = at(found, "detection", "warning")
    more = _there([*figures[_FIRST:], *told[1:]])
    return Section(
        "likeness",
        "Likeness",
        table.verdict.get("likeness", ""),
        headline=figures[0],
        figures=_there([*figures[:_FIRST], told[0]]),
        findings=[warning] if warning else [],
        folds=[*([Fold("Correlations, missing values, other detectors", more)] if more else []), *_relations(table)],
    )


def _relations(table: TableQuality) -> Iterator[Fold]:
    """What became of the relations that were found in the source."""
    if not table.relations:
        return
    lines = [
        (
            one["formula"],
            one["column"],
            *(decimal(one[name]) if name in one else "" for name in ("drawn", "recomputed")),
            _taken(one),
        )
        for one in table.relations
    ]
    kept = sum(bool(one["kept"]) for one in table.relations)
    looked_up = sum("looked_up" in one for one in table.relations)
    counts = ((len(lines) - kept - looked_up, "held on every row"), (looked_up, "looked up"), (kept, "left as drawn"))
    held = ", ".join(f"{count} {words}" for count, words in counts if count)
    note = (
        "Likeness of the column as it is drawn, and recomputed so that the relation holds. The better one was taken, "
    )
    note += "where holding counts for a little, and as drawn where what was asked cannot be had otherwise. What is "
    note += "looked up follows from the other column wherever ten people have its value; for rarer ones it is drawn."
    heads = ("relation", "column", "as drawn", "recomputed", "taken")
    yield Fold(f"Relations found in the source: {held}", tables=[Table("", heads, lines, note)])


def _taken(relation: Mapping[str, Any]) -> str:
    """What became of one relation; where it was let go for what was asked, how many rows keep it nevertheless."""
    if not relation["kept"]:
        return "looked up" if "looked_up" in relation else "recomputed, held"
    by_itself = f": {percent(relation['held_on'])} of rows keep it" if "held_on" in relation else ""
    return f"as drawn, not held{by_itself}"


def _usefulness(table: TableQuality) -> Section:
    found, verdict = table.usefulness, table.verdict.get("usefulness", "")
    if found is None:
        return Section("usefulness", "Usefulness", verdict)
    figures = {member: score(found.get(member), name, meaning) for member, name, meaning in _USEFULNESS}
    gap = plain(found.get("gap"), "Lost", "The first less the second: what it costs to learn from made rows.")
    target = f"What a model makes of {found['target']}" if found.get("target") else ""
    chosen = found.get("chosen")
    same = figures.pop("importances_alike")
    tables = list(_importances(found))
    return Section(
        "usefulness",
        "Usefulness",
        verdict,
        headline=figures["ratio"],
        figures=_there([*figures.values(), gap]),
        curve=_mixes(found),
        curve_words=f"{target}, by the share of made rows it learnt from",
        note=f"{target} is the question here. {chosen}" if chosen else "",
        folds=[Fold("What each model looks at", _there([same]), tables)] if tables else [],
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
            "",
            ("column", "learnt from real rows", "learnt from made rows"),
            [(one["column"], decimal(one["real"]), decimal(one["made"])) for one in columns[:_IMPORTANCES]],
            "How far the score on withheld rows falls when the column is shuffled in them.",
        )


def _privacy(table: TableQuality) -> Section:
    found = table.privacy or {}
    closest = share(
        at(found, "closest", "share"),
        "Nearer to a learnt row",
        "Made rows nearer to a row learnt from than to a withheld one. Half is even: nothing was memorised.",
    )
    figures = [
        closest,
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
    distance = plain(
        at(found, "closest", "distance"),
        "Distance to the closest",
        "Median distance of a made row to the closest row learnt from, in columns that differ.",
    )
    memorised = [plain(at(found, "memorised", member), name, meaning) for member, name, meaning in _MEMORISED]
    more = _there([distance, *memorised])
    attacks = sorted(found.get("attacks", []), key=_gain, reverse=True)
    return Section(
        "privacy",
        "Privacy",
        table.verdict.get("privacy", ""),
        headline=closest,
        figures=_there(figures),
        findings=[*found.get("findings", ()), *([table.refused] if table.refused else [])],
        folds=[
            *([Fold("Values of fewer than ten people, and distances", more)] if more else []),
            *([Fold(_most(attacks), _there([_attack(attack) for attack in attacks]))] if attacks else []),
        ],
    )


def _gain(attack: Mapping[str, Any]) -> tuple[float, float]:
    """What an attack gained at least, and as estimated: of what is guessed anyway, an estimate alone is chance."""
    risk = attack["risk"]
    value = risk["value"] or 0.0
    return (risk["interval"][0] if risk["interval"] else value), value


def _most(attacks: Sequence[Mapping[str, Any]]) -> str:
    """How many attacks there were and what the best of them gained, if that was more than chance."""
    most = attacks[0]
    if _gain(most)[0] <= 0:
        return f"{thousands(len(attacks))} attacks; none gained more than on strangers beyond chance"
    name = _ATTACKS.get(most["attack"], (str(most["attack"]),))[0].lower()
    of = f" of {most['column']}" if most.get("column") else ""
    gain = percent(max(most["risk"]["value"] or 0, 0))
    return f"{thousands(len(attacks))} attacks; the most was gained by {name}{of}: {gain} more than on strangers"


def _fairness(table: TableQuality) -> Section:
    found, verdict = table.fairness, table.verdict.get("fairness", "")
    if found is None:
        return Section("fairness", "Fairness", verdict)
    tables = [tuple(_groups(column, found)) for column in found.get("columns", ())]
    counter = found.get("counter")
    return Section(
        "fairness",
        "Fairness",
        verdict,
        headline=_grown(found),
        findings=found.get("warnings", ()),
        tables=[groups for groups, _ in tables],
        note=f"Settings that would counter it: {setting(counter)}." if counter else "",
        folds=[Fold(measures.title, tables=[replace(measures, title="")]) for _, measures in tables],
    )


def _grown(found: Mapping[str, Any]) -> Measured | None:
    """How much farther apart groups lie than in the real table, where that is most."""
    growths = [at(column, "measures", "outcome_difference", "growth") for column in found.get("columns", ())]
    known = [growth for growth in growths if growth and growth["value"] is not None]
    if not known:
        return None
    most = max(known, key=lambda growth: float(growth["value"]))
    return plain(most, "Bias grown", "How much farther groups lie apart in the outcome than in the real table.")


def _groups_of(table: TableQuality) -> Section:
    found, verdict = table.groups, table.verdict.get("groups", "")
    if found is None:
        return Section("groups", "Rare groups", verdict or "Not measured.")
    reached = share(found["reached"], "Groups reached", "Groups of ten people or more that are in what was made.")
    bands = [
        (_people(band), *(thousands(round(band[name])) for name in ("groups", "reached", "expected", "made", "asked")))
        for band in found["bands"]
    ]
    heads = ("people in the group", "groups", "reached", "by chance", "rows made", "rows by their share")
    named = (("missing", "Missing"), ("thin", "Less than half of what should be"), ("smallest", "The smallest"))
    tables = [_named(title, found[which]) for which, title in named if found[which]]
    return Section(
        "groups",
        "Rare groups",
        verdict,
        headline=reached,
        figures=_there([reached]),
        tables=[Table("By size", heads, bands, "By chance: what as many rows drawn from the real table would reach.")],
        folds=[Fold("Which groups", tables=tables, note="No group of fewer than ten people is named.")],
    )


def _people(band: Mapping[str, Any]) -> str:
    least, most = thousands(band["from"]), band["to"]
    return f"{least} and more" if most is None else f"{least} to {thousands(most)}"


def _named(title: str, groups: Sequence[Mapping[str, Any]]) -> Table:
    lines = [
        (
            ", ".join(f"{column} {label}" for column, label in zip(one["columns"], one["group"], strict=True)),
            thousands(one["people"]),
            thousands(one["made"]),
            thousands(round(one["expected"], 1)),
        )
        for one in groups
    ]
    return Table(title, ("group", "people learnt from", "rows made", "rows by its share"), lines)


def _cost(table: TableQuality) -> Section:
    found = table.cost or {}
    figures = [
        score(found.get("real"), "Without what was asked", "What a model reaches that learnt from real rows."),
        score(found.get("weighed"), "With it", "The same, from real rows drawn so that they have what was asked."),
        score(found.get("made"), "With it, made", "The same, from made rows."),
        plain(found.get("wish"), "What was asked costs", "The first less the second; the rest is lost in the making."),
        plain(found.get("lost"), "Lost in all", "The first less the third."),
    ]
    return Section(
        "cost",
        "What it cost",
        table.verdict.get("cost", ""),
        headline=figures[3],
        figures=_there(figures),
        tables=[_independence(pair) for pair in found.get("independent", ())],
    )


def _independence(pair: Mapping[str, Any]) -> Table:
    """A target and a sensitive column before and after, over all and by group."""
    lines = [("dependence", decimal(pair["strength"]["real"]), decimal(at(pair, "strength", "made", "value")))]
    if pair["gap"]:
        lines.append(("groups lie apart by", percent(pair["gap"]["real"]), percent(at(pair, "gap", "made", "value"))))
    lines += [(one["group"], percent(one["real"]), percent(one["made"])) for one in pair["groups"]]
    note = f"By group: the share of rows in which {pair['positive']}." if pair["positive"] else ""
    heads = ("measure or group", "learnt from", "made")
    return Table(f"{pair['target']} from {pair['sensitive']}", heads, lines, note)


def _there(figures: Sequence[Measured | None]) -> list[Measured]:
    return [one for one in figures if one]


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
        "Differences: 0 is the same for all groups. Ratios: 1 is. Growth with the bounds of its interval. The outcome "
        "difference is that of the two groups farthest apart in the made rows, and of the same two in the real ones.",
    )


def _beside(group: Mapping[str, Any], what: str) -> tuple[str, str]:
    return percent(at(group, "fitted", what)), percent(at(group, what, "value"))


def _selected(group: Mapping[str, Any]) -> tuple[str, str]:
    real, made = (at(group, kind, "selection_rate") for kind in ("real", "made"))
    return percent(real), percent(made)


def _answer_key(table: TableQuality, found: Mapping[str, Any]) -> Section:
    planted = found["planted"]
    several = len(planted) > 1
    figures = [figure for one in planted for figure in _recovered(one, several)]
    return Section(
        "answers",
        "What was planted",
        table.verdict.get("answer_key", ""),
        figures,
        found["findings"],
        tables=[table for one in planted for table in _causes(one)],
        note="Which columns tell of it is said by the answer key, which whoever has a licence may read.",
        headline=next((figure for figure in figures if figure.name.startswith("Found")), None),
    )


def _recovered(planted: Mapping[str, Any], several: bool) -> Iterator[Measured]:
    """How much was planted, and how well each model finds it."""
    of = f": {planted['column']}" if several else ""
    counted = "all" if planted["counted"]["whole"] else "the first"
    figures = (
        share(
            planted["planted"],
            f"Planted{of}",
            f"Of {counted} {thousands(planted['counted']['rows'])} rows, those in which {planted['column']} says so.",
        ),
        score(
            planted["boosted"],
            f"Found by boosted trees{of}",
            "How often a row with it looks more suspicious than one without, to a model that learnt from other rows.",
        ),
        score(planted["linear"], f"Found by a linear model{of}", "The same, as far as lines divide them."),
    )
    return (figure for figure in figures if figure)


def _causes(planted: Mapping[str, Any]) -> Iterator[Table]:
    """What was planted, cause by cause; and what boosted trees look at."""
    yield Table(
        f"By {planted['column']}",
        ("value", "in the answer key", "found", "boosted trees", "linear", "among the suspects", "named columns used"),
        [
            (
                cause["cause"],
                _said(cause),
                thousands(cause["found"]),
                decimal(cause["boosted"]["value"]),
                decimal(cause["linear"]["value"]),
                percent(cause["recovered"]["value"]),
                _told_by(cause),
            )
            for cause in planted["causes"]
        ],
        "Boosted trees, linear: how often a row with it is more suspicious than one with nothing. Among the suspects: "
        "of its rows, those among as many of the most suspicious as were planted in all. Named columns used: of the "
        "columns that tell of it, as the answer key says, those on which boosted trees rely most.",
    )
    if planted["relies_on"]:
        yield Table(
            f"What boosted trees look at for {planted['column']}",
            ("column", "falls by"),
            [(one["column"], decimal(one["fall"])) for one in planted["relies_on"]],
            "How far their score falls when the column is shuffled in rows that they have not seen.",
        )


def _said(cause: Mapping[str, Any]) -> str:
    if cause["rows"] is not None:
        return thousands(cause["rows"])
    return "not fixed" if cause["share"] is None else f"about {percent(cause['share'])}"


def _told_by(cause: Mapping[str, Any]) -> str:
    value = cause["told_by"]["value"]
    return "not measured" if value is None else f"{round(value * cause['named'])} of {cause['named']}"


def _attack(found: Mapping[str, Any]) -> Measured | None:
    name, meaning = _ATTACKS.get(found["attack"], (str(found["attack"]).replace("_", " ").capitalize(), ""))
    counted = f"{_counted(found['attacks'])} attacks succeeded; on strangers {_counted(found['control'])}."
    title = f"{name}: {found['column']}" if found.get("column") else name
    return share(found["risk"], title, f"{meaning} {counted}", whole=(0.0, 1.0))


def _counted(attacks: Mapping[str, int]) -> str:
    return f"{thousands(attacks['succeeded'])} of {thousands(attacks['tried'])}"
