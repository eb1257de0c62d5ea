"""What every peer does: read, learn, make, write, say how long it took and how much memory it held.

Runs in the peer's own environment, so it knows pandas and nothing of this project.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

_KEPT_OUT = (b"key", b"text")


def run(learn: Callable[[pd.DataFrame], Callable[[int], pd.DataFrame]]) -> None:
    """Learn by ``learn``, which returns what makes rows. Keys and longer texts are kept out, as they are for all."""
    from pyarrow import parquet as pq

    learned, made, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    schema = pq.read_schema(learned)
    names = [field.name for field in schema if (field.metadata or {}).get(b"kind") not in _KEPT_OUT]
    table = pq.read_table(learned, columns=names).to_pandas(date_as_object=False)
    began = time.perf_counter()
    make = learn(table)
    fit = time.perf_counter() - began
    began = time.perf_counter()
    found = make(rows)
    rate = rows / (time.perf_counter() - began)
    peak = next(
        int(line.split()[1]) / 1024 for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    _typed(found[names], table).to_parquet(made, index=False)
    print(json.dumps({"fit_seconds": fit, "rows_per_second": rate, "peak_mib": peak}))  # noqa: T201


def _typed(found: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Give the columns the types that they were learned with, as far as they can have them."""
    for name in found:
        kind = table[name].dtype.kind
        if kind == "M":
            found[name] = pd.to_datetime(found[name], errors="coerce").astype(table[name].dtype)
        elif kind in "iuf":
            found[name] = pd.to_numeric(found[name], errors="coerce").round(0 if kind in "iu" else 9)
    return found
