"""The generator contract: what a generator states about itself, and the five things it can be asked.

A dataset is a pure function of (generator, version, parameters, seed, state) and a runtime. The platform
asks for exactly one block of units at a time, in any order and from any number of processes, so a block
may depend on nothing but its arguments: no clock, no global state, no file, no network, and no randomness
but ``job.streams``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from generation.sdk.streams import Streams

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

#: What ``prepare`` returns and ``block`` receives: plain data by name, kept as Arrow IPC, ``.npy`` or JSON.
State: TypeAlias = "Mapping[str, pa.Table | np.ndarray | Json]"

#: Progress of ``prepare``: (share done from 0 to 1, what is being done now).
Tell: TypeAlias = Callable[[float, str], None]

Modality = Literal["tabular", "image", "multimodal"]
SourceUse = Literal["none", "optional", "required"]
Rows = Literal["one", "many"]
#: Where the same recipe gives the same bytes: on any machine, under the same runtime id, or only from recorded answers.
Exactness = Literal["everywhere", "runtime", "recorded"]

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Table:
    """One configuration of the dataset, in the words of the ``datasets`` library.

    ``schema`` fields carry their metadata (see ``sdk.schema.field``). ``key`` names the columns that identify a row,
    ``references`` maps a column to (table, column), ``rows`` tells whether a unit has one row or many here. ``rules``
    (see ``sdk.rules``) are promised of every row: the writer refuses a row that breaks one, and counts.

    The first ``kept`` rows are the source's own, in its order; only a ``Keeper`` has any. Of the rows after them, all
    pass one of the lines ``like`` (tests as in a rule's ``if``), if there are any: the judge sets them beside those
    rows of the source that do.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...] = ()
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows: Rows = "one"
    rules: tuple[str, ...] = ()
    kept: int = 0
    like: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The shape of what will be made: a function of the parameters and the source's facts, nothing else.

    ``unit`` is what a buyer counts, in the singular ("row", "customer"); ``block`` the most units in one block. The
    planner uses ``max(1, min(block, units // 100))`` and records it in the recipe.
    """

    unit: str
    block: int
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class TableFacts:
    """What may be known of one table of a source without reading values: its schema and its number of rows.

    ``rows`` may be learnt from, and ``withheld`` more may not. ``relations`` are the formulas of what was found to hold
    between columns (``total = net + tax``); ``None`` if nobody looked.
    """

    schema: pa.Schema
    rows: int
    relations: tuple[str, ...] | None = None
    withheld: int = 0


@dataclass(frozen=True)
class SourceFacts:
    """What may be known of a source without reading values; ``bytes`` is its size as uploaded."""

    tables: Mapping[str, TableFacts]
    bytes: int


class Source(Protocol):
    """A buyer's upload, read-only and possibly larger than memory; the platform's hold-out is already withheld."""

    @property
    def facts(self) -> SourceFacts: ...

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of ``table`` in their order, restricted to ``columns`` if given."""
        ...


class WholeSource(Source, Protocol):
    """What a ``Keeper`` is given: ``batches`` are those to learn from, as ever; the others come too, to be kept."""

    def whole(self, table: str) -> Iterator[pa.RecordBatch]:
        """Yield all rows of ``table`` in the order of the upload, those withheld from learning too."""
        ...

    def withheld(self, table: str) -> np.ndarray:
        """Tell of each row of ``whole`` whether it is withheld from learning."""
        ...


@dataclass(frozen=True)
class Needs:
    """What a run needs of a worker. Prices are not here: they are data set by the generator's owner."""

    memory_mib: int
    scratch_mib: int
    seconds_per_block: float
    prepare_seconds: float = 0.0
    extras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """One fault of a job: the parameter at fault, what is wrong, what to do. Shown as a form error and as a 422."""

    field: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Job:
    """One recipe as a generator sees it: validated parameters, units asked, its randomness, the source's facts.

    ``source`` is there when ``check`` is asked for a quote: a rule may then be checked against the rows themselves. It
    is ``None`` at any other time, also when the same job is checked again before it is run.
    """

    params: BaseModel
    units: int
    streams: Streams
    facts: SourceFacts | None = None
    source: Source | None = None


class Generator(Protocol):
    """What the platform expects of a generator object; ``sdk.generator`` builds one from a single function.

    ``Parameters`` is a pydantic model with ``extra="forbid", frozen=True``; its JSON Schema is the web form and the
    API's validation. ``shares`` names packages (beside the generator's own) whose code is part of its digest.
    """

    name: str
    version: str
    title: str
    summary: str
    modality: Modality
    Parameters: type[BaseModel]
    source: SourceUse
    exact: Exactness
    shares: tuple[str, ...]

    def check(self, job: Job) -> list[Problem]:
        """Rules that cross fields, against the source's facts, and its rows where ``job.source`` is there.

        Every fault at once; none is an empty list.
        """
        ...

    def layout(self, job: Job) -> Layout:
        """The tables that this job will fill."""
        ...

    def needs(self, job: Job) -> Needs:
        """Memory, disk and time for one block of this job's layout."""
        ...

    def prepare(self, job: Job, source: Source | None, tell: Tell) -> State:
        """Fit to the source, or build the world that all blocks share. Called once a run."""
        ...

    def block(self, job: Job, state: State, units: range) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield (table name, batch) for exactly ``units``, in any number of batches, rows in order of unit."""
        ...

    def answer_key(self, job: Job, state: State) -> Json:
        """What was planted (rates, causes), for whoever judges a model trained on the data; ``None`` for nothing.

        Its member ``planted`` (see ``sdk.planted``) is compared with the rows made, in the quality report.
        """
        ...


class Keeper(Generator, Protocol):
    """A generator that gives rows of the source back beside what it makes.

    It is given a ``WholeSource``, and learns from no row that is withheld. What it makes never leaves the account whose
    source it was: the platform sees to that, and takes keepers from its own house only. How many units come out follows
    from the source, so nobody asks for a number.
    """

    keeps_rows: Literal[True]

    def amount(self, job: Job) -> int:
        """How many units come out of a job that ``check`` found no fault of; ``job.source`` is there."""
        ...


def keeps_rows(generator: Generator) -> bool:
    """Whether a generator is a ``Keeper``."""
    return bool(getattr(generator, "keeps_rows", False))
