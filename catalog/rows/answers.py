"""What the calls answer, in the dataset viewer's shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from django.db.models import Sum

from catalog import attachments
from catalog.models import Version
from catalog.rows import features, parquet, pictures
from catalog.rows.access import Reach, splits
from catalog.rows.cells import cell
from catalog.shapes import ColumnStatistics, Statistics

LARGEST_PAGE = 100

Json = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """Rows by their numbers, of the columns ``shown``; ``total`` is how many there are to page through."""

    schema: pa.Schema
    shown: list[str]
    rows: list[tuple[int, dict[str, Any]]]
    total: int


def rows(reach: Reach, config: str, split: str, *, offset: int, length: int, columns: Sequence[str] | None) -> Json:
    """``length`` rows of a split from ``offset`` on; without ``columns`` all of them."""
    return page(reach, config, split, read(reach, config, split, offset=offset, length=length, columns=columns))


def read(
    reach: Reach, config: str, split: str, *, offset: int, length: int, columns: Sequence[str] | None = None
) -> Found:
    """Rows as Arrow gives them, for who makes an answer or a page of them."""
    shape = schema(reach, config, split)
    shown = list(columns or shape.names)
    values = read_columns(shape, shown)
    total = reach.rows(config, split)
    if not values:  # pictures alone are told by their addresses
        found: list[dict[str, Any]] = [{} for _ in range(max(0, min(length, total - offset)))]
    else:
        tables = []
        for file in reach.opened(config, split, offset, length):
            first = max(0, offset - file.first_row)
            count = min(file.rows, offset + length - file.first_row) - first
            tables.append(parquet.rows(file, first, count, values))
        found = pa.concat_tables(tables).to_pylist() if tables else []
    return Found(shape, shown, list(enumerate(found, start=offset)), total)


def read_columns(shape: pa.Schema, shown: Sequence[str]) -> list[str]:
    """The columns whose values are read: pictures are told by their addresses."""
    return [name for name in shown if not features.media(shape.field(name))]


def page(reach: Reach, config: str, split: str, found: Found) -> Json:
    """Rows with their numbers as an answer; pictures become addresses."""
    answer = {
        "features": features.features(pa.schema([found.schema.field(name) for name in found.shown])),
        "rows": [_row(reach.version, config, split, found, number, row) for number, row in found.rows],
        "num_rows_total": found.total,
        "num_rows_per_page": LARGEST_PAGE,
        "partial": not reach.full,
    }
    return answer if reach.full else answer | {"message": reach.limit()}


def first_rows(reach: Reach, config: str, split: str) -> Json:
    """The first rows of a split."""
    found = rows(reach, config, split, offset=0, length=LARGEST_PAGE, columns=None)
    names = {"dataset": str(reach.version.dataset), "config": config, "split": split}
    return {
        **names,
        "features": found["features"],
        "rows": found["rows"],
        "truncated": found["num_rows_total"] > len(found["rows"]),
        "partial": found["partial"],
    }


def schema(reach: Reach, config: str, split: str) -> pa.Schema:
    """The columns of a split, as its files have them."""
    first = reach.version.files.of_split(config, split).first()
    return pa.schema([]) if first is None else parquet.schema(first)


def splits_answer(version: Version) -> Json:
    """All splits of all configurations."""
    name = str(version.dataset)
    found = [{"dataset": name, "config": config, "split": split} for config, split in splits(version)]
    return {"splits": found, "pending": [], "failed": []}


def size(version: Version) -> Json:
    """Rows and bytes, of splits, of configurations and in all."""
    name = str(version.dataset)
    sums = version.files.values_list("config", "split").annotate(Sum("rows"), Sum("bytes"))
    counted = {(config, split): (rows_, bytes_) for config, split, rows_, bytes_ in sums}
    width = {table["name"]: len(table["schema"]) for table in version.layout["tables"]}
    of_splits = [
        {
            "dataset": name,
            "config": config,
            "split": split,
            "num_bytes_parquet_files": counted[config, split][1],
            "num_rows": counted[config, split][0],
            "num_columns": width[config],
        }
        for config, split in splits(version)
        if (config, split) in counted
    ]
    of_configs = [
        {
            "dataset": name,
            "config": config,
            "num_bytes_parquet_files": sum(b for (c, _), (_, b) in counted.items() if c == config),
            "num_rows": sum(r for (c, _), (r, _) in counted.items() if c == config),
            "num_columns": columns,
        }
        for config, columns in width.items()
    ]
    whole = {"dataset": name, "num_bytes_parquet_files": version.bytes, "num_rows": version.rows}
    return {
        "size": {"dataset": whole, "configs": of_configs, "splits": of_splits},
        "pending": [],
        "failed": [],
        "partial": False,
    }


def statistics(version: Version, config: str) -> Json | None:
    """What was counted over all rows of a configuration, whatever the split; ``None`` if it was not measured."""
    attachment = version.attachments.filter(kind="statistics").first()
    if attachment is None:
        return None
    told = Statistics.model_validate_json(attachments.read(attachment)).tables.get(config)
    if told is None:
        return None
    return {
        "num_examples": told.rows,
        "statistics": [_column_statistics(column) for column in told.columns],
        "partial": False,
        "splits": [split for of, split in splits(version) if of == config],
    }


def _row(version: Version, config: str, split: str, found: Found, number: int, row: Mapping[str, Any]) -> Json:
    told, cut = {}, []
    for name in found.shown:
        media = features.media(found.schema.field(name))
        if media:
            src = pictures.address(version, config, split, name, number) if media in pictures.SHOWN else None
            told[name] = {"src": src, "media_type": media}
            continue
        told[name], was_cut = cell(row[name])
        if was_cut:
            cut.append(name)
    return {"row_idx": number, "row": told, "truncated_cells": cut}


def _column_statistics(told: ColumnStatistics) -> Json:
    """One column in the viewer's words; under ``lookalike`` it is told as we count, with the errors of estimates."""
    all_ = told.count + told.nulls
    counted: Json = {"nan_count": told.nulls, "nan_proportion": told.nulls / all_ if all_ else 0.0}
    quantiles = {} if told.quantiles is None else dict(told.quantiles.at)
    if told.kind in ("number", "time"):
        counted |= {
            "min": told.minimum,
            "max": told.maximum,
            "mean": told.mean,
            "median": quantiles.get(0.5),
            "std": told.deviation,
        }
        if told.histogram is not None:
            counted["histogram"] = {"hist": told.histogram.counts, "bin_edges": told.histogram.edges}
    elif told.values is not None:
        counted["frequencies"] = {str(one.value): one.count for one in told.values}
        counted["n_unique"] = len(told.values)
    return {
        "column_name": told.name,
        "column_type": _column_type(told),
        "column_statistics": counted,
        "lookalike": told.model_dump(mode="json", exclude_none=True, exclude={"parts"}),
    }


def _column_type(told: ColumnStatistics) -> str:
    match told.kind:
        case "number":
            return "int" if "int" in told.type else "float"
        case "text":
            return "string_text" if told.values is None else "string_label"
        case "boolean":
            return "bool"
        case "time":
            return "datetime"
        case "picture":
            return "image"
        case other:
            return other
