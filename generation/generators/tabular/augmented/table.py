"""The generator ``augmented``: the contract's answers, and how many rows come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from generation.generators.tabular.augmented.additions import (
    Addition,
    amounts,
    count,
    count_problems,
    line_problems,
    rare_problems,
    read_addition,
    wishes_of,
)
from generation.generators.tabular.augmented.filling import ROUNDS, Filled, fill, without_values
from generation.generators.tabular.fitted.arrow import ArrowArray
from generation.generators.tabular.fitted.demanded import Demanded, cut, part_plans
from generation.generators.tabular.fitted.held import held_in, learn_held, with_parts
from generation.generators.tabular.fitted.keys import key_problems, learn_styles
from generation.generators.tabular.fitted.making import make_rows
from generation.generators.tabular.fitted.model import learn
from generation.generators.tabular.fitted.privacy import Bools, Ints, K, People, people_of
from generation.generators.tabular.fitted.said import Column, Line, Said, corrected, faults_of, with_unit
from generation.generators.tabular.fitted.sample import learned_rows
from generation.generators.tabular.fitted.table import block_of, check_target, key_columns
from generation.generators.tabular.fitted.understanding import ColumnPlan, output_field, understood
from generation.sdk import (
    Job,
    Json,
    Layout,
    Needs,
    Problem,
    Source,
    SourceFacts,
    State,
    Streams,
    Table,
    TableFacts,
    Tell,
    WholeSource,
    field,
)

_TABLE = "default"
_LEAST_ROWS = 90  # a tenth of the least upload is withheld
_MOST_UNITS = 100_000_000
_MOST_CELLS = 20_000_000  # of the upload: it lies in memory and in the state
_MOST_BYTES = 512 << 20
_BYTES_A_CELL = 120


class Parameters(Said):
    """What a buyer may say about the rows and cells to be made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    oversample: list[Line] = Field(
        default=[],
        title="Rows to add",
        description="Like which of yours, and how many: fraud = yes: 20 % (of all rows, in the end), or "
        "ward = ICU and age >= 70: 500 rows. Put names and values with spaces or signs in double quotes.",
        max_length=20,
    )
    fill: list[Column] = Field(
        default=[],
        title="Columns to fill",
        description="Columns whose missing values are filled, each by what the rest of its row says.",
        max_length=200,
    )


class AugmentedTable:
    """Gives a table back with rows added or with missing cells filled; a unit is a row."""

    name = "augmented"
    version = "1.0.0"
    title = "Your table, with more rows of the rare, or with its gaps filled"
    summary = (
        "Keeps the rows of an uploaded table and adds made ones of the kind you choose, or fills its missing values; "
        "says of each row and cell which it is. What comes out holds your own rows, so it is yours alone."
    )
    modality: Literal["tabular"] = "tabular"
    Parameters: type[BaseModel] = Parameters
    source: Literal["required"] = "required"
    exact: Literal["runtime"] = "runtime"
    shares: tuple[str, ...] = ("generation.generators.tabular.fitted", "generation.relations")
    keeps_rows: Literal[True] = True

    def check(self, job: Job) -> list[Problem]:
        """Return every fault of the parameters against the source's columns, rows and types."""
        params = _parameters(job)
        if job.facts is None or _TABLE not in job.facts.tables:
            return [Problem("source", "There is no table to add to.", "Upload a CSV or Parquet file first.")]
        facts = job.facts.tables[_TABLE]
        problems = [*faults_of(params, facts)]
        problems += _check_size(job.facts)
        if not params.oversample and not params.fill:
            message = "There is nothing to do: no rows are to be added and no column is to be filled."
            problems.append(Problem("oversample", message, "Write which rows to add, or choose columns to fill."))
        if problems:
            return problems
        plans = _plans(job)
        learned = {plan.name for plan in plans if plan.fate == "learned"}
        problems += check_target(plans, params.target)
        problems += _check_fill(params.fill, facts, learned)
        problems += line_problems(params.oversample, facts.schema, learned)
        if not problems and job.source is not None:
            source = cast(WholeSource, job.source)
            problems += _check_added(job, source) if params.oversample else []
            problems += _check_filled(job, source) if params.fill else []
        if not problems and job.source is None and job.units < _kept(facts):
            message = f"{job.units:,} rows are fewer than the {_kept(facts):,} of the source, which all come back."
            problems.append(Problem("units", message, "Have the job checked with its source: that says how many."))
        return problems

    def amount(self, job: Job) -> int:
        """All rows of the source, and those that are added."""
        facts = _facts(cast(SourceFacts, job.facts))
        additions = _additions(job)
        if not additions:
            return _kept(facts)
        counted = count(additions, cast(WholeSource, job.source).whole(_TABLE))
        return counted.rows + int(amounts(additions, counted).sum())

    def layout(self, job: Job) -> Layout:
        """One table with the source's columns in their order, and those that say what was made."""
        params = _parameters(job)
        facts = _facts(cast(SourceFacts, job.facts))
        fields = [with_unit(_field(plan, params), params) for plan in _plans(job)]
        if params.oversample:
            described = "“kept”: a row of your own. “made”: a row that was added."
            fields.append(field(_mark("origin", job), pa.string(), described, classes=("kept", "made")))
        if params.fill:
            described = "The columns whose value was missing in this row and is made."
            fields.append(field(_mark("filled", job), pa.list_(pa.string()), described))
        like = tuple(one.like for one in _additions(job))
        table = Table(_TABLE, pa.schema(fields), kept=_kept(facts), like=like)
        return Layout("row", block_of(len(fields)), (table,))

    def needs(self, job: Job) -> Needs:
        """Memory for the whole table and its codes, and what trees look at; time by columns, as for ``tabular``."""
        params = _parameters(job)
        facts = _facts(cast(SourceFacts, job.facts))
        columns = len(facts.schema)
        rows = learned_rows(facts.rows, columns)
        cells = block_of(columns) * columns
        grown = rows * columns * (2e-6 + min(columns, 48) * 2e-7)
        filling = len(params.fill) * (ROUNDS if len(params.fill) > 1 else 1) * (grown / columns * 1.5 + 2.0)
        return Needs(
            memory_mib=500 + (rows * (columns * 60 + 400) + cells * 60 + _kept(facts) * columns * _BYTES_A_CELL >> 20),
            scratch_mib=64,
            seconds_per_block=0.05 + cells * 2.5e-7,
            prepare_seconds=5.0 + (grown if params.oversample else 0.0) + filling,
        )

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        """Keep the table, its missing cells filled, and learn what is added; both from rows that may be learnt from.

        Raises ``ValueError`` without a source, for columns of which nothing can be filled in, and for a number of units
        that is not what ``amount`` says.
        """
        if source is None:
            raise ValueError("augmented adds to a source and was given none")
        whole = pa.Table.from_batches(cast(WholeSource, source).whole(_TABLE))
        withheld = cast(WholeSource, source).withheld(_TABLE)
        learnt = _learnt(withheld, whole.num_columns, job.streams)
        params = _parameters(job)
        rows = whole.take(pa.array(learnt))
        people = People() if params.identifier is None else people_of(rows.column(params.identifier))
        told: dict[str, Any] = {"added": [], "filled": None}
        learned: State = {}
        if params.oversample:
            told["added"] = amounts(_additions(job), count(_additions(job), whole.to_batches())).tolist()
            if whole.num_rows + sum(told["added"]) != job.units:
                raise ValueError(f"{whole.num_rows + sum(told['added']):,} rows come of this source, not {job.units:,}")
            learned = _learn_additions(job, whole, rows, told["added"], people, tell)
        if params.fill:
            plans = [plan for plan in _plans(job) if plan.fate == "learned"]
            filled = fill(whole, withheld, learnt, plans, params.fill, people, job.streams, tell)
            told["filled"] = filled.told
            whole = _with_filled(whole, filled, _mark("filled", job))
        return {**learned, "kept": whole, "augmented": told}

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the source's own rows among ``units``, then those made, line by line."""
        schema = self.layout(job).tables[0].schema
        kept = cast(pa.Table, state["kept"])
        if units.start < kept.num_rows:
            rows = kept.slice(units.start, min(units.stop, kept.num_rows) - units.start)
            columns = {name: rows.column(name).combine_chunks() for name in kept.column_names}
            yield _TABLE, _batch({**columns, _mark("origin", job): _said("kept", rows.num_rows)}, schema)
        wanted = range(max(units.start - kept.num_rows, 0), units.stop - kept.num_rows)
        if len(wanted):
            yield _TABLE, _batch(_made(job, state, wanted), schema)

    def answer_key(self, job: Job, state: State) -> Json:
        """How well known cells of withheld rows were met by what fills the missing ones; ``None`` if none were."""
        told = cast(Mapping[str, Any], state["augmented"])["filled"]
        return None if told is None else {"filled": told}


def _parameters(job: Job) -> Parameters:
    return cast(Parameters, job.params)


def _additions(job: Job) -> list[Addition]:
    return [read_addition(line) for line in _parameters(job).oversample]


def _facts(facts: SourceFacts) -> TableFacts:
    return facts.tables[_TABLE]


def _kept(facts: TableFacts) -> int:
    return facts.rows + facts.withheld


def _plans(job: Job) -> list[ColumnPlan]:
    """What becomes of each column in made rows; a column to be filled has a value in every row."""
    params = _parameters(job)
    plans = understood(corrected(_facts(cast(SourceFacts, job.facts)), params), (), params.identifier)
    return [replace(plan, nullable=False) if plan.name in params.fill else plan for plan in plans]


def _mark(name: str, job: Job) -> str:
    """The name of a column that says what was made; ``_`` comes behind it where the source has such a column."""
    taken = set(_facts(cast(SourceFacts, job.facts)).schema.names)
    while name in taken:
        name += "_"
    return name


def _field(plan: ColumnPlan, params: Parameters) -> Any:
    """The field of a column of the source."""
    if plan.fate == "dropped":
        words = "As it is in your own rows; empty in those that were added."
        return field(plan.name, plan.type, words, role="text", nullable=True)
    return output_field(plan).with_nullable(plan.name not in params.fill)


def _check_size(facts: SourceFacts) -> Iterator[Problem]:
    table = _facts(facts)
    cells = _kept(table) * len(table.schema)
    if table.rows < _LEAST_ROWS:
        message = f"The source has {table.rows} rows to learn from; at least {_LEAST_ROWS} are needed."
        yield Problem("source", message, "Upload a table with more rows.")
    if cells > _MOST_CELLS or facts.bytes > _MOST_BYTES:
        message = (
            f"The source has {cells:,} cells and {facts.bytes >> 20:,} MiB; what is given back may have up to "
            f"{_MOST_CELLS:,} cells and {_MOST_BYTES >> 20} MiB."
        )
        yield Problem("source", message, "Upload fewer rows, or only the columns that matter.")


def _check_fill(names: Sequence[str], facts: TableFacts, learned: set[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(names):
        if name not in facts.schema.names:
            yield Problem("fill", f"The source has no column “{name}”.", "Choose from the columns of the source.")
        elif name not in learned:
            message = f"Column “{name}” cannot be filled: it is a key, free text, or has too few values to learn from."
            yield Problem("fill", message, "Choose a column with numbers, categories, dates or booleans.")


def _check_filled(job: Job, source: WholeSource) -> list[Problem]:
    """The columns to be filled of which the rows to learn from have no value that many share."""
    names, identifier = _parameters(job).fill, _parameters(job).identifier
    wanted = list(dict.fromkeys([*names, *([identifier] if identifier is not None else [])]))
    whole = pa.Table.from_batches([batch.select(wanted) for batch in source.whole(_TABLE)])
    rows = whole.take(pa.array(_learnt(source.withheld(_TABLE), len(_facts(source.facts).schema), job.streams)))
    people = People() if identifier is None else people_of(rows.column(identifier))
    return [
        Problem(
            "fill",
            f"Column “{name}” cannot be filled: none of its values is held by {K} people that may be learnt from.",
            "Choose a column whose values recur.",
        )
        for name in without_values(rows, _plans(job), names, people)
    ]


def _check_added(job: Job, source: WholeSource) -> list[Problem]:
    """What the rows of the source cannot give of those to be added."""
    additions = _additions(job)
    counted = count(additions, source.whole(_TABLE))
    problems = count_problems(additions, counted, _MOST_UNITS)
    if problems:
        return problems
    keys = key_columns(_made_plans(job))
    schema = pa.schema([_facts(source.facts).schema.field(name) for name in keys])
    problems += key_problems(schema, source.whole(_TABLE), int(amounts(additions, counted).sum()))
    wishes, identifier = wishes_of(additions, [0] * len(additions)), _parameters(job).identifier
    wanted = [*wishes.columns, *([identifier] if identifier is not None else [])]
    rows = pa.Table.from_batches(source.batches(_TABLE, list(dict.fromkeys(wanted))))
    people = People() if identifier is None else people_of(rows.column(identifier))
    return problems + rare_problems(additions, cut(wishes, rows), people)


def _learnt(withheld: Bools, columns: int, streams: Streams) -> Ints:
    """The places of the rows to learn from: all that are not withheld, or as many of them by chance as fit."""
    places: Ints = np.flatnonzero(~withheld)
    wanted = learned_rows(len(places), columns)
    if wanted == len(places):
        return places
    return np.sort(streams.rng("learnt").choice(places, wanted, replace=False, shuffle=False))


def _with_filled(whole: pa.Table, filled: Filled, mark: str) -> pa.Table:
    """The table with its filled columns, and for each row the names of those that were, in the table's order."""
    for name, array in filled.columns.items():
        whole = whole.set_column(whole.column_names.index(name), whole.schema.field(name), array)
    order = [name for name in whole.column_names if name in filled.missing]
    gone = np.stack([filled.missing[name] for name in order], axis=1)
    offsets = np.concatenate([[0], np.cumsum(gone.sum(axis=1))]).astype(np.int32)
    names = pa.array(order).take(pa.array(np.nonzero(gone)[1]))
    return whole.append_column(mark, pa.ListArray.from_arrays(pa.array(offsets), names))


def _learn_additions(
    job: Job, whole: pa.Table, rows: pa.Table, more: Sequence[int], people: People, tell: Tell
) -> State:
    """Learn from ``rows`` what is to be made, ``more`` rows of each line; no made key is one of the ``whole`` table."""
    asked, plans, target = _demanded(job, more), _made_plans(job), _parameters(job).target
    rows, parts = with_parts(rows, asked.wishes, people)
    first = [plan.name for plan in part_plans(asked.wishes)]
    # what hangs on the columns that the lines speak of is what distinguishes the rows to be made
    then = list(dict.fromkeys([*asked.wishes.columns, *([] if target is None else [target])]))
    every = [*plans, *part_plans(asked.wishes)]
    styles = learn_styles(rows.select(key_columns(plans)), whole.to_batches(), sum(more))
    state = learn(rows, every, styles, people, job.streams, tell, first, then)
    offered = _facts(cast(SourceFacts, job.facts)).relations
    return {**state, **learn_held(asked, rows, parts, plans, offered, state, people, target, job.streams)}


def _demanded(job: Job, more: Sequence[int]) -> Demanded:
    return Demanded(wishes_of(_additions(job), more), (), frozenset(_parameters(job).ignore_relations))


def _made_plans(job: Job) -> list[ColumnPlan]:
    return [plan for plan in _plans(job) if plan.fate != "dropped"]


def _made(job: Job, state: State, units: range) -> dict[str, ArrowArray]:
    """The columns of the made rows ``units``, in which nothing is filled; they are empty where nothing was learned."""
    plans, more = _made_plans(job), cast(Mapping[str, Any], state["augmented"])["added"]
    made = make_rows(held_in(state), _demanded(job, more), plans, state, job.streams, units, sum(more))
    none = pa.ListArray.from_arrays(pa.array(np.zeros(len(units) + 1, np.int32)), pa.array([], pa.string()))
    return {
        **{plan.name: pa.nulls(len(units), plan.type) for plan in _plans(job)},
        **{plan.name: array for plan, array in zip(plans, made, strict=True)},
        _mark("origin", job): _said("made", len(units)),
        _mark("filled", job): none,
    }


def _said(origin: str, rows: int) -> ArrowArray:
    return pa.array([origin] * rows, pa.string())


def _batch(columns: Mapping[str, ArrowArray], schema: pa.Schema) -> pa.RecordBatch:
    """Those of the columns that the layout has, in its order."""
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)
