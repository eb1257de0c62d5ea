"""Every figure of a version's statistics is counted again: true ones pass, and none can be told wrongly."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from catalog import statistics_check
from catalog.shapes import TableStatistics
from generation.quality.profile import TableProfile, finish
from generation.sdk import PICTURE, field

ROWS = 2800
MANY = np.random.default_rng(5)


def picture(format_: str, width: int, height: int) -> dict[str, Any]:
    target = io.BytesIO()
    Image.new("RGB", (width, height), (width, height, 7)).save(target, format_)
    return {"bytes": target.getvalue(), "path": f"{width}.{format_}"}


def now_and_then(values: list[Any]) -> list[Any]:
    """The values over and over, one in seven missing."""
    return [None if place % 7 == 3 else values[place % len(values)] for place in range(ROWS)]


MEMBER = pa.struct([("name", pa.string()), ("box", pa.list_(pa.int32())), ("weight", pa.float32())])
COLUMNS: dict[str, tuple[pa.Field, Any]] = {
    "few": (pa.field("x", pa.int64()), now_and_then([3, 1, 4, 15])),
    "one": (pa.field("x", pa.int8()), [7] * ROWS),
    "none": (pa.field("x", pa.int32()), [None] * ROWS),
    "many": (pa.field("x", pa.int64()), MANY.permutation(10**6)[:ROWS].tolist()),
    "large": (pa.field("x", pa.uint64()), now_and_then([2**63 + 1, 2**63 + 2, 5])),
    "double": (pa.field("x", pa.float64()), [*MANY.normal(1e9, 3, ROWS - 3), float("nan"), float("inf"), -0.0]),
    "endless": (pa.field("x", pa.float32()), now_and_then([float("nan"), float("-inf"), float("inf")])),
    "huge": (pa.field("x", pa.float64()), now_and_then([1.7e308, -1.7e308, 1e300])),
    "tiny": (pa.field("x", pa.float64()), MANY.lognormal(-40, 1, ROWS).tolist()),
    "half": (pa.field("x", pa.float16()), now_and_then([np.float16(0.1), np.float16(0.5), np.float16(-2)])),
    "cents": (pa.field("x", pa.decimal128(9, 2)), [Decimal(int(n)) / 100 for n in MANY.integers(0, 10**6, ROWS)]),
    "price": (pa.field("x", pa.decimal128(5, 2)), now_and_then([Decimal("0.10"), Decimal("19.99")])),
    "wide": (pa.field("x", pa.decimal128(30, 3)), now_and_then([Decimal("123456789012345678.125"), Decimal("0.001")])),
    "day": (pa.field("x", pa.date32()), now_and_then([date(2024, 2, 29) + timedelta(days=n) for n in range(48)])),
    "days": (pa.field("x", pa.date32()), [date(1900, 1, 1) + timedelta(days=int(n) * 7) for n in range(ROWS)]),
    "moment": (
        pa.field("x", pa.timestamp("us")),
        pa.array(MANY.integers(-(10**14), 10**15, ROWS), pa.timestamp("us")),
    ),
    "zoned": (pa.field("x", pa.timestamp("ms", "Europe/Berlin")), now_and_then([0, 86_400_000, 1_700_000_000_123])),
    "fine": (pa.field("x", pa.timestamp("ns")), pa.array(MANY.integers(0, 10**18, ROWS), pa.timestamp("ns"))),
    "clock": (pa.field("x", pa.time32("s")), now_and_then([time(8), time(12, 30), time(23, 59, 59)])),
    "fine clock": (pa.field("x", pa.time64("ns")), pa.array(MANY.integers(0, 86_400 * 10**9, ROWS), pa.time64("ns"))),
    "wait": (pa.field("x", pa.duration("ms")), pa.array(MANY.integers(-(10**9), 10**9, ROWS), pa.duration("ms"))),
    "true": (pa.field("x", pa.bool_()), now_and_then([True, False, True])),
    "word": (pa.field("x", pa.string()), now_and_then(["größer", "", "a b", "c"])),
    "words": (pa.field("x", pa.large_string()), [f"word {n}" for n in range(ROWS)]),
    "bytes": (pa.field("x", pa.binary()), now_and_then([b"", b"12", b"\0" * 300])),
    "fixed": (pa.field("x", pa.binary(4)), now_and_then([b"abcd", b"efgh"])),
    "list": (pa.field("x", pa.list_(pa.int32())), now_and_then([[], [1, None, 3], [4]])),
    "vector": (pa.field("x", pa.list_(pa.float32(), 3)), [MANY.normal(size=3).tolist() for _ in range(ROWS)]),
    "objects": (
        pa.field("x", pa.list_(MEMBER)),
        now_and_then(
            [[], [{"name": "dent", "box": [1, 2], "weight": 0.5}, None], [{"name": None, "box": None, "weight": 2.0}]]
        ),
    ),
    "record": (pa.field("x", MEMBER), now_and_then([{"name": "hole", "box": [3, 4, 5], "weight": None}])),
    "photo": (
        field("x", PICTURE, "A photo.", media="image/jpeg", nullable=True),
        now_and_then([picture("jpeg", 12, 30), picture("jpeg", 30, 12), picture("jpeg", 300, 1)]),
    ),
    "mask": (
        field("x", PICTURE, "A mask.", media="image/png"),
        [picture("png", 8, 9), picture("png", 70_000, 1)] * (ROWS // 2),
    ),
    "sound": (
        field("x", PICTURE, "A sound.", media="audio/flac"),
        [{"bytes": b"fLaC" * (n % 5), "path": None} for n in range(ROWS)],
    ),
}


@pytest.fixture(scope="module", params=sorted(COLUMNS))
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], dict[str, Any]]:
    """Two files of one column, and its statistics."""
    declared, values = COLUMNS[request.param]
    table = pa.table([pa.array(values, declared.type)], schema=pa.schema([declared]))
    profile = TableProfile(table.schema)
    folder = tmp_path_factory.mktemp("column")
    files = []
    for number, piece in enumerate((table.slice(0, 1000), table.slice(1000))):
        files.append(folder / f"{number}.parquet")
        pq.write_table(piece, files[-1])
        profile.add(piece)
    return files, json.loads(json.dumps(finish(json.loads(json.dumps(profile.partial())))))


def said(files: list[Path], told: dict[str, Any]) -> list[str]:
    """The first fault, if there is one."""
    return list(islice(statistics_check.compare(files, TableStatistics.model_validate(told)), 1))


def test_true_statistics_are_found_true(told: tuple[list[Path], dict[str, Any]]) -> None:
    assert said(*told) == []


def test_no_figure_can_be_told_wrongly(told: tuple[list[Path], dict[str, Any]]) -> None:
    files, statistics = told
    unnoticed = []
    for path in figures(statistics["columns"], ["columns"]):
        wrong = json.loads(json.dumps(statistics))
        place = wrong
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = other(place[path[-1]], path)
        if not said(files, wrong):
            unnoticed.append((path, place[path[-1]]))
    assert unnoticed == []


#: What a figure is worth is the shape's to check, and a column's name and type say which one it is.
NOT_COUNTED = {"exact", "rank_error", "standard_error", "name", "type", "kind", "schema"}


def figures(value: Any, path: list[Any]) -> Iterator[list[Any]]:
    """The paths of all figures; of lists those in the middle and at the end; of parts only a few."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in NOT_COUNTED and not (path.count("parts") and name in {"mean", "maximum", "quantiles"}):
                yield from figures(member, [*path, name])
    elif isinstance(value, list):
        of_columns = path[-1] in ("columns", "parts")
        for place in range(len(value)) if of_columns else {len(value) // 2, len(value) - 1} if value else ():
            yield from figures(value[place], [*path, place])
    else:
        yield path


def other(value: Any, path: list[Any]) -> Any:
    """Another figure, so far off that no error which an estimate states would excuse it."""
    estimated = path[-2] == "distinct" or "quantiles" in path or "histogram" in path
    match value:
        case None:
            return 12.5
        case bool():
            return not value
        case int():
            return value + 1 + (value // 2 + ROWS // 5 if estimated else 0)
        case float():
            return -1e305 if estimated else value * 0.999 - (abs(value) < 1e-9)
        case str() if value.isdigit():
            return "0" if estimated else str(int(value) + 1)
        case str() if "-" in value[:5] and value[:1].isdigit():
            return f"{int(value[:4]) - 30}{value[4:]}".replace("-02-29", "-02-28")
        case str() if ":" in value:
            return f"{(int(value[:2]) + 11) % 24:02d}{value[2:]}"
    return f"{value}!"


def test_a_column_that_is_left_out_or_renamed_is_found(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "A": ["x", "y"]})
    pq.write_table(table, tmp_path / "a.parquet")
    profile = TableProfile(table.schema)
    profile.add(table)
    statistics = finish(profile.partial())
    assert said([tmp_path / "a.parquet"], statistics) == []
    left_out = statistics | {"columns": statistics["columns"][:1]}
    assert "['a'] are told, ['a', 'A'] are there" in said([tmp_path / "a.parquet"], left_out)[0]
    renamed = statistics | {"columns": statistics["columns"][::-1]}
    assert said([tmp_path / "a.parquet"], renamed) != []


@pytest.mark.parametrize(
    "name", ["minimum", "maximum", "mean", "quantiles", "histogram", "distinct", "deviation", "nan"]
)
def test_a_figure_that_is_left_out_is_found(tmp_path: Path, name: str) -> None:
    table = pa.table({"x": [1.0, 2.5, float("nan"), 4.0]})
    pq.write_table(table, tmp_path / "x.parquet")
    profile = TableProfile(table.schema)
    profile.add(table)
    statistics = finish(profile.partial())
    del statistics["columns"][0][name]
    assert said([tmp_path / "x.parquet"], statistics) != []


def test_statistics_of_another_kind_of_column_are_a_fault_and_no_crash(tmp_path: Path) -> None:
    table = pa.table({"x": ["a", "b"]})
    pq.write_table(table, tmp_path / "x.parquet")
    profile = TableProfile(table.schema)
    profile.add(table)
    statistics = finish(profile.partial())
    statistics["columns"][0]["kind"] = "picture"
    assert "it cannot be counted as a picture" in " ".join(said([tmp_path / "x.parquet"], statistics))


def test_a_share_of_repeated_rows_that_is_not_true_is_found(tmp_path: Path) -> None:
    table = pa.table({"x": [1, 1, 2, None], "Y": [[1, 2], [1, 2], [], None]})
    pq.write_table(table, tmp_path / "x.parquet")
    profile = TableProfile(table.schema)
    profile.add(table)
    statistics = finish(profile.partial())
    assert statistics["duplicates"] == {"share": 0.25, "exact": True}
    assert said([tmp_path / "x.parquet"], statistics) == []
    statistics["duplicates"]["share"] = 0.0
    assert said([tmp_path / "x.parquet"], statistics) == [
        "25.0000% of the rows repeat an earlier one, 0.0000% are told."
    ]
