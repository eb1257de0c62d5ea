"""What the rows of a source can give of what a buyer asks, known when a quote is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from generation.generators.tabular.fitted.conditions import (
    HOW,
    Condition,
    Impossible,
    Parts,
    Wishes,
    cells_of,
    demands,
    impossible,
)
from generation.generators.tabular.fitted.demanded import Demanded, cut
from generation.generators.tabular.fitted.privacy import Bools, K, People
from generation.generators.tabular.fitted.rules import Columns, learn_choices
from generation.generators.tabular.fitted.settling import Held, settle, touched
from generation.sdk import Problem, Streams
from generation.sdk.rules import Comparison, Presence, Rule, rows_that_pass


def source_problems(
    asked: Demanded, rows: pa.Table, columns: Collection[str], people: People, streams: Streams
) -> list[Problem]:
    """What the rows of a source cannot give: rules that too few people can keep, conditions that too few meet.

    ``rows`` have those of ``columns``, which will be made, that are learned and that ``asked`` names. A rule about
    another one, which comes out empty or anew, is not in question.
    """
    rules = tuple(rule for rule in asked.rules if _columns(rule, columns) <= set(rows.column_names))
    asked = replace(asked, rules=rules)
    problems = list(_rare(asked, rows, people))
    if problems or not rows.num_columns:
        return problems
    wishes = asked.wishes
    parts = cut(wishes, rows) if wishes.columns else []
    kept = _kept(asked, rows, parts, people, streams)
    if people.count(kept) < K:
        return [_unkept(asked, rows, people, streams)]
    if not wishes.columns:
        return []
    cells = cells_of([replace(one, rows=one.rows[kept]) for one in parts], people.among(kept))
    for one in impossible(cells, demands(wishes, parts, cells)):
        problems.append(_impossible(wishes, one))
    return problems


def _kept(asked: Demanded, rows: pa.Table, parts: Sequence[Parts], people: People, streams: Streams) -> Bools:
    """The rows that can be brought to keep all rules without leaving their parts."""
    tests = [Rule("", tuple(asked.wishes.tests_of(name))) for name in asked.wishes.columns]
    held = Held(choices=learn_choices([*asked.rules, *tests], rows, people), passes=[one.passes for one in parts])
    columns: Columns = {name: rows.column(name).combine_chunks() for name in rows.column_names}
    words = {
        name: streams.rng(f"quote {name}").bit_generator.random_raw(rows.num_rows) for name in touched(held, asked)
    }
    wrong = settle(held, asked, columns, [one.rows for one in parts], words, rows.schema)
    return ~wrong


def _columns(rule: Rule, columns: Collection[str]) -> set[str]:
    tests = (*rule.when, *rule.then)
    others = {test.other.text for test in tests if isinstance(test, Comparison) and not test.other.quoted}
    return {*(test.column for test in tests), *(others & set(columns))}


def _unkept(asked: Demanded, rows: pa.Table, people: People, streams: Streams) -> Problem:
    """The first rule that cannot be kept beside those before it; if there is none, the conditions are in the way."""
    alone = replace(asked, wishes=Wishes())
    for number, rule in enumerate(asked.rules):
        some = replace(alone, rules=asked.rules[: number + 1])
        if people.count(_kept(some, rows, [], people, streams)) < K:
            message = f"“{rule.text}”: beside the rules before it, fewer than {K} people of the source could keep it."
            return Problem("rules", message, "Leave out one of the rules, or widen it.")
    message = f"Beside the rules, fewer than {K} people of the source could meet the conditions."
    return Problem("conditions", message, "Leave out a condition or a rule.")


def _impossible(wishes: Wishes, one: Impossible) -> Problem:
    if one.number is None:
        field = "independent" if wishes.independent else "balance"
        if one.but_for_conditions:
            message = "This cannot be met beside the conditions, which ask for other shares."
            return Problem(field, message, "Leave out a condition, or this.")
        message = f"This cannot be met together: some levels occur with others in fewer than {K} people."
        return Problem(field, message, "Leave one out, or include only rows in which all levels occur.")
    condition: Condition = wishes.conditions[one.number]
    if one.nearest <= 0:
        message = f"“{condition.text}”: fewer than {K} people meet this; the nearest possible rate is 0 %."
        return Problem("conditions", message, "Ask for something that more people meet.")
    beside = " beside the other conditions" if len(wishes.conditions) > 1 else ""
    message = f"“{condition.text}”: the nearest possible rate{beside} is {100 * one.nearest:.3g} %."
    return Problem("conditions", message, f"Ask for {100 * one.nearest:.3g} %. {HOW}")


def _rare(asked: Demanded, rows: pa.Table, people: People) -> Iterator[Problem]:
    """Rules that want what fewer than ``K`` people have: a value, one in order with another, or none."""
    for rule in asked.rules:
        for test in rule.then:
            if people.count(rows_that_pass([test], rows)) >= K:
                continue
            what = f"no value of “{test.column}”" if _is_absence(test) else f"such a value of “{test.column}”"
            message = f"“{rule.text}”: fewer than {K} people of the source have {what}."
            yield Problem("rules", message, "Allow a value that more people have.")


def _is_absence(test: object) -> bool:
    return isinstance(test, Presence) and not test.known
