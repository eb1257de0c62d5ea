"""What a buyer asks of the table to be made, beyond its columns: read from the parameters, every fault at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from generation.generators.tabular.fitted.arrow import ArrowArray, pc
from generation.generators.tabular.fitted.conditions import (
    HOW,
    Condition,
    Parts,
    Wishes,
    cells_of,
    classes_of,
    demands,
    faults_of,
    impossible,
    parts_of,
    read_condition,
    read_pair,
)
from generation.generators.tabular.fitted.privacy import Ints, K, People
from generation.generators.tabular.fitted.rules import faults_of_rules
from generation.generators.tabular.fitted.understanding import ColumnPlan
from generation.relations import as_floats, kind_of
from generation.sdk import Problem
from generation.sdk.rules import NotUnderstood, Rule, columns_in, faults_in, read_rule, rows_that_pass

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


def demanded(params: Any) -> Demanded:
    """Return what the parameters ask for. Raises ``NotUnderstood`` for a line that ``line_problems`` tells of."""
    wishes = Wishes(
        conditions=tuple(read_condition(line) for line in params.conditions),
        balance=tuple(dict.fromkeys(params.balance)),
        independent=tuple(dict.fromkeys(read_pair(line) for line in params.independent)),
    )
    rules = tuple(read_rule(line) for line in params.rules)
    return Demanded(wishes, rules, frozenset(params.ignore_relations))


def line_problems(params: Any) -> list[Problem]:
    """Every line that says nothing."""
    problems = []
    for field, read in (("conditions", read_condition), ("independent", read_pair), ("rules", read_rule)):
        for line in getattr(params, field):
            try:
                read(line)
            except NotUnderstood as fault:
                problems.append(_problem(field, line, fault))
    return problems


def column_problems(asked: Demanded, plans: Sequence[ColumnPlan], offered: Sequence[str] | None) -> list[Problem]:
    """Everything that no table of these columns can give. ``offered`` are the relations found in it, if known."""
    schema = pa.schema([pa.field(plan.name, plan.type) for plan in plans])
    learned = {plan.name for plan in plans if plan.fate == "learned"}
    problems = [_problem(field, line, fault) for field, line, fault in _name_faults(asked, schema, learned)]
    problems += [_problem("rules", rule.text, fault) for rule, fault in faults_of_rules(asked.rules, schema)]
    for formula in sorted(asked.ignored if offered is not None else ()):
        if formula not in (offered or ()):
            message = f"No relation “{formula}” was found in the source."
            problems.append(Problem("ignore_relations", message, "Choose from those that were found."))
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


def _unlearned(names: Sequence[str], learned: set[str]) -> Iterator[NotUnderstood]:
    for name in names:
        if name not in learned:
            yield NotUnderstood(f"Column “{name}” is not there, or is not learned.", _REMEDY)


def _problem(field: str, line: str, fault: NotUnderstood) -> Problem:
    return Problem(field, f"“{line.strip()}”: {fault.message}", fault.remedy)


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


def source_problems(asked: Demanded, rows: pa.Table, people: People) -> list[Problem]:
    """What the rows of a source cannot give: conditions that too few people meet, with the nearest possible rate."""
    problems = list(_rare_levels(asked, rows, people))
    wishes = asked.wishes
    if not wishes.columns:
        return problems
    parts = cut(wishes, rows)
    cells = cells_of(parts, people)
    for one in impossible(cells, demands(wishes, parts, cells)):
        problems.append(_impossible(wishes, one.number, one.nearest))
    return problems


def _impossible(wishes: Wishes, number: int | None, nearest: float) -> Problem:
    if number is None:
        field = "independent" if wishes.independent else "balance"
        message = f"This cannot be met together: some levels occur with others in fewer than {K} people."
        return Problem(field, message, "Leave one out, or include only rows in which all levels occur.")
    condition: Condition = wishes.conditions[number]
    if nearest <= 0:
        message = f"“{condition.text}”: fewer than {K} people meet this; the nearest possible rate is 0 %."
        return Problem("conditions", message, "Ask for something that more people meet.")
    beside = " beside the other conditions" if len(wishes.conditions) > 1 else ""
    message = f"“{condition.text}”: the nearest possible rate{beside} is {100 * nearest:.3g} %."
    return Problem("conditions", message, f"Ask for {100 * nearest:.3g} %. {HOW}")


def _rare_levels(asked: Demanded, rows: pa.Table, people: People) -> Iterator[Problem]:
    """Rules that leave a category no level that ``K`` people have."""
    from_rules = [(rule, test) for rule in asked.rules for test in rule.then if test.column in rows.column_names]
    for rule, test in from_rules:
        if kind_of(rows.schema.field(test.column).type) is not None:
            continue
        if people.count(rows_that_pass([test], rows)) < K:
            message = f"“{rule.text}”: fewer than {K} people of the source have such a value of “{test.column}”."
            yield Problem("rules", message, "Allow a value that more people have.")
