"""What a fitting generator may read of an upload, and what only the platform may: the hold-out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from generation.runner.facts import formulas
from generation.sdk import Source, SourceFacts, TableFacts, WholeSource

_BATCH = 1 << 16


@dataclass(frozen=True)
class ParsedSource:
    """One side of a parsed upload (see ``generation.runner.parse``), read in batches; implements ``sdk.Source``."""

    facts: SourceFacts
    folder: Path

    def batches(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of ``table`` in their order, restricted to ``columns`` in that order if given.

        Raises ``KeyError`` for a table or column that the source does not have.
        """
        schema = self.facts.tables[table].schema
        if columns is not None:
            if missing := [name for name in columns if name not in schema.names]:
                raise KeyError(f"table {table!r} has no column {missing[0]!r}")
            schema = pa.schema([schema.field(name) for name in columns])
        with pq.ParquetFile(self.folder / f"{table}.parquet") as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=schema.names, use_threads=False):
                yield batch.select(schema.names).cast(schema)


def open_source(source_dir: Path) -> Source:
    """Open what fitting may see. The hold-out's folder need not be there. Raises ``OSError`` if the rest is not."""
    return _open(source_dir, source_dir)


@dataclass(frozen=True)
class WholeParsedSource(ParsedSource):
    """A parsed upload with the rows that are withheld from learning; implements ``sdk.WholeSource``."""

    def whole(self, table: str) -> Iterator[pa.RecordBatch]:
        """Yield all rows of ``table`` in the order of the upload."""
        schema = self.facts.tables[table].schema
        sides = [_Rows(self.folder / f"{table}.parquet"), _Rows(self.folder / "holdout" / f"{table}.parquet")]
        with sides[0] as learnt, sides[1] as apart:
            withheld = self.withheld(table)
            for first in range(0, len(withheld), _BATCH):
                mask = withheld[first : first + _BATCH]
                rows = pa.concat_tables([learnt.take(int((~mask).sum())), apart.take(int(mask.sum()))])
                places = np.argsort(np.argsort(mask, kind="stable"), kind="stable")
                yield from rows.take(pa.array(places)).cast(schema).combine_chunks().to_batches()

    def withheld(self, table: str) -> np.ndarray:
        """Tell of each row of ``whole`` whether it is withheld."""
        facts = self.facts.tables[table]
        apart = np.load(self.folder / "holdout" / f"{table}.npy", allow_pickle=False)
        mask = np.zeros(facts.rows + facts.withheld, dtype=bool)
        mask[apart] = True
        return mask


class _Rows:
    """The rows of a file, some at a time."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._batches = self._file.iter_batches(batch_size=_BATCH, use_threads=False)
        self._left = self._file.schema_arrow.empty_table()

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, wanted: int) -> pa.Table:
        """Return the next ``wanted`` rows."""
        while self._left.num_rows < wanted:
            self._left = pa.concat_tables([self._left, pa.Table.from_batches([next(self._batches)])])
        taken, self._left = self._left.slice(0, wanted), self._left.slice(wanted)
        return taken


def open_holdout(source_dir: Path) -> Source:
    """Open the rows that fitting never sees. For the platform's own measures only."""
    return _open(source_dir, source_dir / "holdout")


def open_whole(source_dir: Path) -> WholeSource:
    """Open all rows of an upload, for a generator that keeps them. Raises ``OSError`` if the hold-out is not there."""
    learnt = _open(source_dir, source_dir)
    for name in learnt.facts.tables:
        if not (source_dir / "holdout" / f"{name}.npy").is_file():
            raise FileNotFoundError(f"nothing says where the withheld rows of {name} stood")
    return WholeParsedSource(learnt.facts, learnt.folder)


def _open(source_dir: Path, folder: Path) -> ParsedSource:
    facts = json.loads((source_dir / "facts.json").read_text(encoding="utf-8"))
    tables = {}
    for name, table in facts["tables"].items():
        path = folder / f"{name}.parquet"
        stored = pq.read_schema(path)
        fields = [
            stored.field(column["name"]).with_metadata(
                {key: str(value) for key, value in column.items() if key not in ("name", "type") and value is not None}
            )
            for column in table["columns"]
        ]
        withheld = table.get("holdout_rows", 0) if folder == source_dir else 0
        tables[name] = TableFacts(pa.schema(fields), pq.read_metadata(path).num_rows, formulas(table), withheld)
    return ParsedSource(SourceFacts(tables, facts["bytes"]), folder)
