"""The values that cross between whoever wants data and the processes that make it. Everything here is plain JSON.

No generator, Arrow or numpy is needed to hold these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]

#: What a member of a state may be called; its file has the name and one of three kinds.
STATE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_STATE_FILE = re.compile(rf"{STATE_NAME.pattern}\.(arrow|npy|json)")


@dataclass(frozen=True)
class JobSpec:
    """One recipe with its seed.

    ``generator`` is the name of an entry point or ``module:attribute``; ``seed`` 32 hex digits; ``domain`` keeps a
    sample's randomness apart from a run's; ``facts`` what parsing a source returned; ``digest`` the version of the
    generator that the recipe names, refused when the code here is another.
    """

    generator: str
    params: Mapping[str, Any]
    units: int
    seed: str
    domain: str = "run"
    facts: Mapping[str, Any] | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        if len(self.seed) != 32 or not set(self.seed) <= set("0123456789abcdef"):
            raise ValueError("a seed is 32 lower-case hex digits")

    def as_json(self) -> JsonObject:
        return asdict(self)


@dataclass(frozen=True)
class Runtime:
    """The runtime id (64 hex digits, SHA-256 of the RFC 8785 form of ``document``) and its document."""

    id: str
    document: JsonObject


@dataclass(frozen=True)
class Description:
    """What a generator says of itself, the digest of its code, and the runtime in which it was asked.

    ``keeps_rows`` says that it gives rows of its source back: see ``sdk.Keeper``.
    """

    name: str
    version: str
    digest: str
    title: str
    summary: str
    modality: str
    source: str
    exact: str
    keeps_rows: bool
    parameters_schema: JsonObject
    runtime: Runtime


@dataclass(frozen=True)
class Problem:
    """One fault of a job: the parameter at fault, what is wrong, what to do."""

    field: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Needs:
    """What the generator asks of a worker for one block of its layout's size."""

    memory_mib: int
    scratch_mib: int
    seconds_per_block: float
    prepare_seconds: float
    extras: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """The answer to ``check``: all ``problems``; ``layout``, ``needs`` and ``units`` are there when there is none.

    ``layout`` is ``{unit, block, tables: [{name, schema: [{name, type, nullable, description, role, unit, media}], key,
    references, rows}]}``, its columns in the order in which files store them, with their ``classes`` where they have
    some, and with ``rules``, ``kept`` and ``like`` where the table has some; ``schemas`` holds each table's Arrow
    schema as an encapsulated IPC message. ``units`` is how many come out: those asked for, or what follows from the
    source that the job was checked with.
    """

    problems: tuple[Problem, ...]
    layout: JsonObject | None
    needs: Needs | None
    schemas: tuple[bytes, ...] = ()
    units: int | None = None

    @property
    def kept(self) -> int:
        """How many units, the first ones, are the source's own rows."""
        tables = [] if self.layout is None else self.layout["tables"]
        return max((int(table.get("kept", 0)) for table in tables), default=0)


@dataclass(frozen=True)
class Mark:
    """The mark of synthetic origin in every file's metadata; ``recipe`` is ``sha256:`` and 64 hex digits."""

    digital_source_type: str
    generator: str
    version: str
    recipe: str

    def as_json(self) -> JsonObject:
        return {
            "digitalSourceType": self.digital_source_type,
            "generator": self.generator,
            "version": self.version,
            "recipe": self.recipe,
        }


@dataclass(frozen=True)
class StateFile:
    """One file of the fitted state; ``sha256`` in hex."""

    name: str
    path: Path
    bytes: int
    sha256: str


def is_state_file(name: str) -> bool:
    """Whether ``name`` is one that a state's file may have: a word and its kind, no path."""
    return _STATE_FILE.fullmatch(name) is not None


@dataclass(frozen=True)
class TableFile:
    """One finished Parquet file; digests in hex. It lies at ``path`` until whoever asked moves or removes it."""

    table: str
    path: Path
    rows: int
    bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class Usage:
    """What making a shard took: seconds of wall time and of CPU; peak resident bytes of each process so far."""

    seconds: float
    generator_cpu_seconds: float
    writer_cpu_seconds: float
    generator_peak_bytes: int
    writer_peak_bytes: int


@dataclass(frozen=True)
class ShardResult:
    """One shard: a file a table, ``statistics`` (table -> partial, see ``generation.quality.profile``), the runtime."""

    files: tuple[TableFile, ...]
    statistics: JsonObject
    runtime_id: str
    usage: Usage
