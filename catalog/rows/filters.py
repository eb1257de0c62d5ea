"""Conditions and order over the free sample, by DuckDB on a copy of its file: read-only, bounded in time and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from catalog.rows import answers, conditions, features, local
from catalog.rows.access import Reach
from marketplace.web.problems import Fault, Problem

_SECONDS = 3.0
_MEMORY = "256MB"


def answer(
    reach: Reach,
    config: str,
    split: str,
    *,
    where: str,
    order: str,
    offset: int,
    length: int,
    columns: Sequence[str] | None,
) -> dict[str, Any]:
    """A page of the sample's rows for which ``where`` holds, by ``order``. Raises Problem with all faults of both."""
    file = reach.version.files.of_split(config, split).filter(sample=True).first()
    shape = answers.schema(reach, config, split)
    faults: list[Fault] = []
    condition = conditions.where(where, shape, faults)
    by = conditions.order(order, shape, faults)
    if faults:
        raise Problem(422, "This condition cannot be put to the sample", faults=faults)
    shown = list(columns or shape.names)
    if file is None or not file.rows:
        return _sampled(answers.page(reach, config, split, shape, shown, [], total=0))
    if file.bytes > local.LARGEST:
        raise Problem(422, "The sample is too large to be searched", "Download it, and search it with DuckDB.")
    read = [name for name in shown if not features.media(shape.field(name))]
    path = local.sample(file)
    places = ", ".join(f"c{place}" for place in range(len(shape)))
    rows = f"read_parquet({_quoted(path)}, file_row_number = true) AS sample({places}, number) WHERE {condition.sql}"
    listed = ", ".join(["number", *(conditions.place(shape, name) for name in read)])
    ordered = f"{by.sql}, number" if by else "number"
    with _bounded(path) as database:
        [(total,)] = database.execute(f"SELECT count(*) FROM {rows}", list(condition.parameters)).fetchall()
        query = f"SELECT {listed} FROM {rows} ORDER BY {ordered} LIMIT ? OFFSET ?"
        found = database.sql(query, params=[*condition.parameters, length, offset]).to_arrow_table()
    numbers = [file.first_row + number for number in found.column(0).to_pylist()]
    table = pa.table(found.columns[1:], names=read) if read else None
    values = [{} for _ in numbers] if table is None else table.to_pylist()
    return _sampled(answers.page(reach, config, split, shape, shown, zip(numbers, values, strict=True), total=total))


def _sampled(page: dict[str, Any]) -> dict[str, Any]:
    """Conditions are put to the sample whoever asks, and the answer says so."""
    return page | {"partial": True, "message": page.get("message") or "These are rows of the free sample."}


@contextmanager
def _bounded(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that can read this one file and nothing else, for a few seconds."""
    with duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY, "autoinstall_known_extensions": False}) as found:
        found.execute("SET TimeZone = 'UTC'")
        found.execute("SET temp_directory = ''")
        found.execute(f"SET allowed_paths = [{_quoted(path)}]")
        found.execute("SET enable_external_access = false")
        found.execute("SET lock_configuration = true")
        ending = threading.Timer(_SECONDS, found.interrupt)
        ending.daemon = True
        ending.start()
        try:
            yield found
        except duckdb.InterruptException as error:
            raise Problem(422, "This took too long", f"It was ended after {_SECONDS:.0f} seconds.") from error
        except duckdb.OutOfMemoryException as error:
            raise Problem(422, "This needs too much memory", "Ask for fewer columns or rows.") from error
        finally:
            ending.cancel()


def _quoted(path: Path) -> str:
    escaped = str(path).replace("'", "''")
    return f"'{escaped}'"
