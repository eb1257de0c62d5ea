"""What a buyer asks of the table to be made, beyond its columns: read from the parameters, every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.conditions import (
    Parts,
    Wishes,
    classes_of,
    faults_of,
    faults_of_wishes,
    parts_of,
    read_condition,
    read_pair,
)
from generation.generators.tabular.fitted.privacy import Ints, K
from generation.generators.tabular.fitted.rules import faults_of_rules
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.relations import as_floats, kind_of
from generation.sdk import Problem
from generation.sdk.rules import Comparison, NotUnderstood, Presence, Rule, columns_in, faults_in, read_rule

P = TypeVar("P", bound=BaseModel)
_PART = "\x1fpart of "  # no column of a source has a control character in its name
_REMEDY = "Choose a column that is learned."


@dataclass(frozen=True)
class Demanded:
    """The wishes about shares, the rules about every row, and the relations that need not be kept."""

    wishes: Wishes
    rules: tuple[Rule, ...]
    ignored: frozenset[str]

    @property
    def unique(self) -> frozenset[str]:
        """The columns whose values are to be unique."""
        return frozenset(rule.unique for rule in self.rules if rule.unique is not None)


def demanded(params: Any, units: int) -> Demanded:
    """Return what the parameters ask for ``units`` rows. Raises ``NotUnderstood`` unless they are ``readable``."""
    wishes = Wishes(
        conditions=tuple(read_condition(line, units) for line in params.conditions),
        balance=tuple(dict.fromkeys(params.balance)),
        independent=tuple(dict.fromkeys(read_pair(line) for line in params.independent)),
    )
    rules = tuple(read_rule(line) for line in params.rules)
    return Demanded(wishes, rules, frozenset(params.ignore_relations))


def readable(params: P, units: int) -> tuple[P, list[Problem]]:
    """The parameters without the lines that say nothing or ask for more rows than ``units``, and what is wrong there.

    So the faults of other lines can be told at the same time.
    """
    readers: dict[str, Callable[[str], Any]] = {
        "conditions": lambda line: read_condition(line, units),
        "independent": read_pair,
        "rules": read_rule,
    }
    lines: dict[str, list[str]] = {field: [] for field in readers}
    problems = []
    for field, read in readers.items():
        for line in getattr(params, field):
            try:
                read(line)
            except NotUnderstood as fault:
                problems.append(_problem(field, line, fault))
            else:
                lines[field].append(line)
    return params.model_copy(update=lines), problems


def column_problems(asked: Demanded, plans: Sequence[ColumnPlan]) -> list[Problem]:
    """Everything that no table of these columns can give."""
    schema = pa.schema([pa.field(plan.name, plan.type) for plan in plans])
    learned = {plan.name for plan in plans if plan.fate == "learned"}
    problems = [_problem(field, line, fault) for field, line, fault in _name_faults(asked, schema, learned)]
    problems += [Problem("conditions", fault.message, fault.remedy) for fault in faults_of_wishes(asked.wishes)]
    found = faults_of_rules(asked.rules, schema)
    wrong = {rule for rule, _ in found}
    found += _unruled([rule for rule in asked.rules if rule not in wrong], plans)
    problems += [_problem("rules", rule.text, fault) for rule, fault in found]
    return problems


def _name_faults(asked: Demanded, schema: pa.Schema, learned: set[str]) -> Iterator[tuple[str, str, NotUnderstood]]:
    for condition in asked.wishes.conditions:
        found = [*faults_in(Rule(condition.text, condition.tests), schema)]
        found = found or [*faults_of(condition, schema)] or [*_unlearned(columns_in(condition.tests), learned)]
        yield from (("conditions", condition.text, fault) for fault in found)
    for name in asked.wishes.balance:
        for fault in _unlearned([name], learned):
            yield "balance", name, fault
        if name in learned and kind_of(schema.field(name).type) is not None:
            message = f"Column “{name}” holds numbers or times, which have no levels."
            yield "balance", name, NotUnderstood(message, "Choose a column of texts or of true and false.")
    for pair in asked.wishes.independent:
        yield from (("independent", " from ".join(pair), fault) for fault in _unlearned(pair, learned))


def _unruled(rules: Sequence[Rule], plans: Sequence[ColumnPlan]) -> Iterator[tuple[Rule, NotUnderstood]]:
    """Rules about values that are not learned, and ones that want missing values where there are none."""
    by_name = {plan.name: plan for plan in plans}
    for rule in rules:
        for test in rule.then:
            plan = by_name[test.column]
            if isinstance(test, Presence) and not test.known and not plan.nullable:
                few = f"Fewer than {K} rows of the source have no value of “{plan.name}”."
                message = f"Column “{plan.name}” is made anew for every row." if plan.fate == "key" else few
                yield rule, NotUnderstood(message, "Leave the rule out, or leave the column out.")
            elif plan.fate == "empty" and isinstance(test, Presence) and test.known:
                message = f"Column “{plan.name}” has too few values to learn from and comes out empty."
                yield rule, NotUnderstood(message, "Leave the rule out, or leave the column out.")
        others = (by_name.get(name) for name in columns_of(rule))
        for plan in {one.name: one for one in others if one is not None and one.fate == "key"}.values():
            message = f"Column “{plan.name}” is made anew, so nothing but “unique” can be promised of its values."
            yield rule, NotUnderstood(message, "Leave the rule out, or have the column learnt.")


def columns_of(rule: Rule) -> list[str]:
    """The columns of which a rule compares values, on either side; a right side may be a value."""
    tests = [test for test in (*rule.when, *rule.then) if not isinstance(test, Presence)]
    others = [test.other.text for test in tests if isinstance(test, Comparison) and not test.other.quoted]
    return list(dict.fromkeys([*(test.column for test in tests), *others]))


def _unlearned(names: Sequence[str], learned: set[str]) -> Iterator[NotUnderstood]:
    for name in names:
        if name not in learned:
            yield NotUnderstood(f"Column “{name}” is not there, or is not learned.", _REMEDY)


def _problem(field: str, line: str, fault: NotUnderstood) -> Problem:
    return Problem(field, f"“{line.strip()}”: {fault.message}", fault.remedy)


def part_plans(wishes: Wishes) -> list[ColumnPlan]:
    """A column more for each that ``wishes`` name: the part of it that a row lies in, drawn before all others.

    Parts are numbers of nobody's, so all of them may be named, however many there are.
    """
    return [
        ColumnPlan(_PART + name, pa.string(), "category", "learned", nullable=False, public=True)
        for name in wishes.columns
    ]


def cut(wishes: Wishes, rows: pa.Table) -> list[Parts]:
    """Cut each column of ``wishes`` into its parts."""
    return [parts_of(wishes.tests_of(name), rows.column(name), _levels(wishes, name, rows)) for name in wishes.columns]


def _levels(wishes: Wishes, name: str, rows: pa.Table) -> Ints | None:
    if name not in wishes.by_level:
        return None
    array: ArrowArray = rows.column(name)
    kind = kind_of(array.type)
    if kind is not None:
        return classes_of(as_floats(array, kind))
    text = array.cast(pa.string()).combine_chunks()
    encoded = text.dictionary_encode()
    codes: Ints = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes + 1
