"""Real tables for the bench: read as an upload is read, and cut in halves."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from generation.runner.parse import parse
from generation.runner.source import open_holdout, open_source

#: What is to be learned of tables that are known; of others the judge chooses. No table is kept here: the first six
#: have been with the project from its start, the next eight are in the folder ``csv`` of vincentarelbundock/Rdatasets
#: (without the column ``rownames``), by the package in which they come with R, the last two come with scikit-learn.
TARGETS = {
    "adult": "income",
    "stops": "problem",
    "colleges": "earnings_med",
    "nafld_subjects": "status",
    "nafld_labs": "value",
    "pbc_visits": "status",
    "ames": "Sale_Price",  # modeldata: wide
    "cells": "class",  # modeldata: wide, measures that follow from each other
    "credit_data": "Status",  # modeldata
    "diamonds": "price",  # ggplot2: sizes and their ratios
    "loans_full_schema": "grade",  # openintro: wide, annuities and sums of payments
    "mn_police_use_of_force": "force_type",  # openintro: moments and places
    "nycflights": "arr_delay",  # openintro: clocks, tail numbers
    "pizzaplace": "type",  # gt: orders and names that give the price
    "breast_cancer": "target",
    "digits": "target",
}


@dataclass(frozen=True)
class Halves:
    """One half of a table's rows to learn from and one to judge by; ``target`` is what models learn."""

    name: str
    fitted: pa.Table
    holdout: pa.Table
    target: str | None


@dataclass(frozen=True)
class Read:
    """A table with what was understood of it in its fields' metadata."""

    name: str
    rows: pa.Table


def read(path: Path) -> Read:
    """Read a CSV file as the platform reads an upload. Raises ValueError where it would refuse it."""
    with tempfile.TemporaryDirectory() as folder:
        found = parse(path, Path(folder), {"holdout_key": "00" * 32})
        if problems := found.get("problems"):
            raise ValueError(f"{path.name}: {problems[0]['message']}")
        sides = open_source(Path(folder)), open_holdout(Path(folder))
        batches = [batch for side in sides for batch in side.batches("default")]
        return Read(path.stem, pa.Table.from_batches(batches, schema=sides[0].facts.tables["default"].schema))


def halves(table: Read, target: str | None, seed: int) -> Halves:
    """Cut the rows in halves by chance."""
    order = np.random.default_rng(seed).permutation(table.rows.num_rows)
    middle = len(order) // 2
    fitted, holdout = (table.rows.take(pa.array(part)) for part in (order[:middle], order[middle:]))
    return Halves(table.name, fitted, holdout, target)


def peak_mib() -> float:
    """Return the most memory that this process has held, of its own and not of the one that started it."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
