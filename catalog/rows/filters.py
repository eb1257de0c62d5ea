"""Conditions and order over the free sample, by DuckDB on a copy of its file: read-only, bounded in time and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from catalog.rows import answers, conditions, local
from catalog.rows.access import Reach
from marketplace.web.problems import Fault, Problem

_SECONDS = 3.0
_MEMORY = "256MB"
_REFUSED = "This condition cannot be put to the sample"


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
    found = find(reach, config, split, where=where, order=order, offset=offset, length=length, columns=columns)
    page = answers.page(reach, config, split, found)
    # Conditions are put to the sample whoever asks, and the answer says so.
    return page | {"partial": True, "message": page.get("message") or "These are rows of the free sample."}


def find(
    reach: Reach,
    config: str,
    split: str,
    *,
    where: str,
    order: str,
    offset: int,
    length: int,
    columns: Sequence[str] | None = None,
) -> answers.Found:
    """Rows of the sample as Arrow gives them. Raises Problem with all faults of ``where`` and ``order``."""
    file = reach.version.files.of_split(config, split).filter(sample=True).first()
    shape = answers.schema(reach, config, split)
    faults: list[Fault] = []
    there = pa.schema([shape.field(name) for name in local.columns(shape)])
    condition = conditions.where(where, there, faults)
    by = conditions.order(order, there, faults)
    if faults:
        raise Problem(422, _REFUSED, faults=faults)
    shown = list(columns or shape.names)
    if file is None or not file.rows:
        return answers.Found(shape, shown, [], 0)
    read = answers.read_columns(shape, shown)
    try:
        path = local.sample(file)
    except local.TooLarge as error:
        remedy = "Download it, and search it with DuckDB."
        raise Problem(422, "The sample is too large to be searched here", remedy) from error
    places = ", ".join(f"c{place}" for place in range(len(there)))
    rows = f"read_parquet({_quoted(path)}, file_row_number = true) AS sample({places}, number) WHERE {condition.sql}"
    listed = ", ".join(["number", *(conditions.place(there, name) for name in read)])
    ordered = f"{by.sql}, number" if by else "number"
    with _bounded(path) as database:
        [(total,)] = database.execute(f"SELECT count(*) FROM {rows}", list(condition.parameters)).fetchall()
        query = f"SELECT {listed} FROM {rows} ORDER BY {ordered} LIMIT ? OFFSET ?"
        table = database.sql(query, params=[*condition.parameters, length, offset]).to_arrow_table()
    numbers = [file.first_row + number for number in table.column(0).to_pylist()]
    values: list[dict[str, Any]] = [{} for _ in numbers]
    if read:
        values = pa.table(table.columns[1:], names=read).to_pylist()
    return answers.Found(shape, shown, list(zip(numbers, values, strict=True)), total)


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
        except duckdb.ConversionException as error:
            # The only values that are cast are those of a condition: one that the column's own type cannot hold.
            beyond = "A value lies beyond what its column can hold."
            fault = Fault("where", beyond, "Compare it with a value such as the column has.", "range")
            raise Problem(422, _REFUSED, faults=[fault]) from error
        finally:
            ending.cancel()


def _quoted(path: Path) -> str:
    escaped = str(path).replace("'", "''")
    return f"'{escaped}'"
