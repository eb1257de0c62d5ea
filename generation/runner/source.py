"""What a fitting generator may read of an upload, and what only the platform may: the hold-out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from generation.runner.facts import formulas
from generation.sdk import Source, SourceFacts, TableFacts

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


def open_holdout(source_dir: Path) -> Source:
    """Open the rows that fitting never sees. For the platform's own measures only."""
    return _open(source_dir, source_dir / "holdout")


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
        tables[name] = TableFacts(pa.schema(fields), pq.read_metadata(path).num_rows, formulas(table))
    return ParsedSource(SourceFacts(tables, facts["bytes"]), folder)
