"""The generator ``tabular``: the contract's five answers, each given by the module that knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, cast

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.tabular.fitted.demanded import (
    Demanded,
    column_problems,
    columns_of,
    demanded,
    part_plans,
    readable,
)
from generation.generators.tabular.fitted.held import held_in, learn_held, told_of, with_parts
from generation.generators.tabular.fitted.keys import key_problems, largest_key, learn_styles
from generation.generators.tabular.fitted.making import make_rows
from generation.generators.tabular.fitted.model import learn
from generation.generators.tabular.fitted.possible import source_problems
from generation.generators.tabular.fitted.privacy import People, people_of
from generation.generators.tabular.fitted.said import Column, Line, Said, corrected, faults_of, with_unit
from generation.generators.tabular.fitted.sample import learned_rows, sample
from generation.generators.tabular.fitted.understanding import ColumnPlan, output_field, understood
from generation.sdk import Job, Json, Layout, Needs, Problem, Source, SourceFacts, State, Table, TableFacts, Tell

_TABLE = "default"
_LEAST_ROWS = 90  # a tenth of the least upload is withheld
_MOST_UNITS = 1_000_000_000
_MANY_LEVELS = 10_000
_BLOCK = 20_000
_BLOCK_CELLS = 4_000_000


class Parameters(Said):
    """What a buyer may say about the table to be made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    include: list[Column] = Field(
        default=[], title="Columns", description="Columns to make; none named means all.", max_length=1_000
    )
    conditions: list[Line] = Field(
        default=[],
        title="Conditions",
        description="What shares of the rows are to be: fraud = yes: 20 %, or how many: fraud = yes: 500 rows, or, "
        "without either, what all are: sex = F and age >= 70. Put names and values with spaces or signs in double "
        "quotes.",
        max_length=50,
    )
    balance: list[Line] = Field(
        default=[],
        title="Balanced columns",
        description="Columns whose levels are to be equally frequent.",
        max_length=10,
    )
    independent: list[Line] = Field(
        default=[],
        title="Made independent",
        description="Which target is not to hang on which sensitive column: income from sex. Put names with spaces or "
        "signs in double quotes.",
        max_length=10,
    )
    rules: list[Line] = Field(
        default=[],
        title="Rules",
        description="What every row must keep: age >= 18, admitted <= discharged, ward in (A, B), "
        "if sex = M then pregnant = no, unique case. A missing value keeps any rule.",
        max_length=50,
    )


class FittedTable:
    """Learns one table and makes rows of it; a unit is a row."""

    name = "tabular"
    version = "2.0.0"
    title = "Your table, made anew"
    summary = (
        "Learns the columns of an uploaded table and what ties them together, and makes new rows that copy nobody."
    )
    modality: Literal["tabular"] = "tabular"
    Parameters: type[BaseModel] = Parameters
    source: Literal["required"] = "required"
    exact: Literal["runtime"] = "runtime"
    shares: tuple[str, ...] = ("generation.relations",)

    def check(self, job: Job) -> list[Problem]:
        """Return every fault of the parameters against the source's columns, rows and types."""
        params = _parameters(job)
        if job.facts is None or _TABLE not in job.facts.tables:
            return [Problem("source", "There is no table to learn from.", "Upload a CSV or Parquet file first.")]
        facts = job.facts.tables[_TABLE]
        problems = [*_check_names(params, facts), *faults_of(params, facts)]
        if facts.rows < _LEAST_ROWS:
            message = f"The source has {facts.rows} rows to learn from; at least {_LEAST_ROWS} are needed."
            problems.append(Problem("source", message, "Upload a table with more rows."))
        if job.units > _MOST_UNITS:
            message = f"{job.units:,} rows are more than can be made in one order."
            problems.append(Problem("units", message, f"Ask for at most {_MOST_UNITS:,}."))
        legible, unread = readable(params, job.units)
        if not problems:
            read = replace(job, params=legible)
            plans = _plans(read)
            problems += [*check_target(plans, params.target), *_check_plans(plans, job.units)]
            problems += column_problems(_demanded(read), plans)
        problems += unread
        if not problems and job.source is not None:
            problems += _check_rows(job, job.source)
        return problems

    def layout(self, job: Job) -> Layout:
        """One table with the source's columns in their order, those left out missing."""
        plans = _plans(job)
        keys = tuple(plan.name for plan in plans if plan.fate == "key")[:1]
        schema = pa.schema([with_unit(output_field(plan), _parameters(job)) for plan in plans])
        table = Table(_TABLE, schema, key=keys, rules=tuple(_parameters(job).rules))
        return Layout("row", block_of(len(plans)), (table,))

    def needs(self, job: Job) -> Needs:
        """Memory for the sample, its codes and what trees look at; time by columns, measured at 15 and scaled."""
        columns = len(_plans(job))
        rows = 0 if job.facts is None else learned_rows(job.facts.tables[_TABLE].rows, columns)
        cells = block_of(columns) * columns
        names = 300 if job.facts is not None and _has_many_levels(_facts(job.facts)) else 0
        return Needs(
            memory_mib=400 + names + (rows * (columns * 60 + 400) + cells * 60 >> 20),
            scratch_mib=64,
            seconds_per_block=0.05 + cells * 2.5e-7,
            prepare_seconds=2.0 + rows * columns * (2e-6 + min(columns, 48) * 2e-7),
        )

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        """Learn from a bounded random part of the source's rows, read once in order; keys are read once more.

        Raises ``ValueError`` when there is no source, or fewer than 100 people in it by the identifying column.
        """
        if source is None:
            raise ValueError("tabular learns from a source and was given none")
        plans = _plans(job)
        identifier = _parameters(job).identifier
        wanted = [plan.name for plan in plans if plan.fate != "empty"]
        if identifier is not None and identifier not in wanted:
            wanted.append(identifier)
        target = _parameters(job).target
        rows = sample(source, _TABLE, wanted, job.streams, tell, target)
        people = People() if identifier is None else people_of(rows.column(identifier))
        asked = _demanded(job)
        rows, parts = with_parts(rows, asked.wishes, people)
        first = [plan.name for plan in part_plans(asked.wishes)]
        then = () if target is None else (target,)
        all_plans = [*plans, *part_plans(asked.wishes)]
        keys = key_columns(plans)
        styles = learn_styles(rows.select(keys), source.batches(_TABLE, keys), job.units)
        state = learn(rows, all_plans, styles, people, job.streams, tell, first, then)
        offered = _facts(source.facts).relations
        return {**state, **learn_held(asked, rows, parts, plans, offered, state, people, target, job.streams)}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the rows of ``units`` as one batch."""
        arrays = make_rows(held_in(state), _demanded(job), _plans(job), state, job.streams, units, job.units)
        yield _TABLE, pa.record_batch(arrays, schema=self.layout(job).tables[0].schema)

    def answer_key(self, job: Job, state: State) -> Json:
        """What was asked to be other than in the source, and what became of relations; ``None`` if nothing did."""
        return told_of(_demanded(job), state)


def _parameters(job: Job) -> Parameters:
    return cast(Parameters, job.params)


def _demanded(job: Job) -> Demanded:
    return demanded(_parameters(job), job.units)


def _plans(job: Job) -> list[ColumnPlan]:
    """The columns that will be made; raises ``ValueError`` without a source's facts."""
    if job.facts is None:
        raise ValueError("tabular needs the facts of a source")
    params = _parameters(job)
    unique = _demanded(job).unique
    public = set(params.public)
    plans = understood(corrected(_facts(job.facts), params), params.include, params.identifier)
    return [
        replace(plan, fate="key", nullable=False)
        if plan.name in unique and plan.fate == "learned"
        else replace(plan, public=plan.name in public)
        for plan in plans
        if plan.fate != "dropped"
    ]


def key_columns(plans: list[ColumnPlan]) -> list[str]:
    """The names of the columns whose values are made anew for every row."""
    return [plan.name for plan in plans if plan.fate == "key"]


def block_of(columns: int) -> int:
    """Rows of a block: fewer of wide tables, so that a batch stays within some tens of megabytes."""
    return max(1, min(_BLOCK, _BLOCK_CELLS // max(columns, 1)))


def _facts(facts: SourceFacts) -> TableFacts:
    return facts.tables[_TABLE]


def _has_many_levels(facts: TableFacts) -> bool:
    """Whether names of a category may take much memory: of each there are up to a million."""
    texts = [field for field in facts.schema if pa.types.is_string(field.type)]
    return any(int((field.metadata or {}).get(b"distinct", b"0")) >= _MANY_LEVELS for field in texts)


def _check_names(params: Parameters, facts: TableFacts) -> list[Problem]:
    names = set(facts.schema.names)
    return [
        Problem("include", f"The source has no column “{name}”.", "Choose from the columns of the source.")
        for name in params.include
        if name not in names
    ]


def check_target(plans: list[ColumnPlan], target: str | None) -> list[Problem]:
    """Whether the target is a column that is learned."""
    if target is None or target in {plan.name for plan in plans if plan.fate == "learned"}:
        return []
    message = f"Column “{target}” is not learned, so it cannot be the target."
    return [Problem("target", message, "Choose a column that is made from what the source has, or none.")]


def _check_plans(plans: list[ColumnPlan], units: int) -> list[Problem]:
    problems = []
    if not any(plan.fate == "learned" for plan in plans):
        message = "None of the columns can be learned from: they are keys, free text or empty."
        problems.append(Problem("include", message, "Include a column with numbers, categories, dates or booleans."))
    for plan in plans:
        if plan.fate == "key" and pa.types.is_integer(plan.type) and units > largest_key(plan.type):
            message = f"Column “{plan.name}” ({plan.type}) cannot hold {units:,} different keys."
            remedy = f"Ask for at most {largest_key(plan.type):,} rows, or leave the column out."
            problems.append(Problem("units", message, remedy))
    return problems


def _check_rows(job: Job, source: Source) -> list[Problem]:
    """What the rows of the source cannot give."""
    params = _parameters(job)
    asked = _demanded(job)
    learned = {plan.name for plan in _plans(job) if plan.fate == "learned"}
    tests = [test for rule in asked.rules for test in (*rule.when, *rule.then)]
    compared = [name for rule in asked.rules for name in columns_of(rule)]
    named = [*asked.wishes.columns, *compared, *(test.column for test in tests)]
    wanted = [name for name in dict.fromkeys([*named, *params.public]) if name in learned]
    keys = key_columns(_plans(job))
    schema = pa.schema([_facts(source.facts).schema.field(name) for name in keys])
    problems = [*key_problems(schema, source.batches(_TABLE, keys), job.units)]
    if not wanted:
        return problems
    identifier = [] if params.identifier is None else [params.identifier]
    rows = sample(source, _TABLE, [*wanted, *identifier], job.streams, lambda share, doing: None)
    people = People() if params.identifier is None else people_of(rows.column(params.identifier))
    there = [plan.name for plan in _plans(job)]
    problems += [problem for name in params.public if name in learned for problem in _check_codes(name, rows)]
    return problems + source_problems(asked, rows.select(wanted), there, people, job.streams)


def _check_codes(name: str, rows: pa.Table) -> Iterator[Problem]:
    """Texts of which hardly any occurs twice are no codes, whatever is said of them."""
    known = rows.column(name).drop_null()
    if 2 * len(known.unique()) > len(known):
        message = f"Hardly any value of column “{name}” occurs twice, so it is no list of codes."
        yield Problem("public", message, "Choose columns whose values recur.")
