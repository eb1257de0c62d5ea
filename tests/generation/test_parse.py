"""An upload is either understood or refused with every fault named, and nothing that is said repeats a value of it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from generation.runner.parse import parse
from tests.data.tables import diabetes, write_csv

LIMITS: dict[str, Any] = {"holdout_key": "5a" * 16}
ROWS = [f"{i},{'red' if i % 3 else 'blue'},{i * 37 % 91}.5" for i in range(200)]
GOOD = "\n".join(["number,colour,size", *ROWS]) + "\n"


def understand(content: bytes | str, folder: Path, **limits: Any) -> dict[str, Any]:
    path = folder / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return parse(path, out, {**LIMITS, **limits})


def columns_of(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    assert "tables" in answer, answer
    return {column["name"]: column for column in answer["tables"]["default"]["columns"]}


def with_row(number: int, row: str) -> str:
    """The good file with another line in the place of row ``number`` (the header is row 1)."""
    lines = GOOD.splitlines()
    lines[number - 1] = row
    return "\n".join(lines) + "\n"


def csv_of(**columns: list[str]) -> str:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(row) for row in rows)]) + "\n"


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("table.csv", GOOD)
    return buffer.getvalue()


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def numbers(rows: int) -> pa.Table:
    return pa.table({"a": np.arange(rows) % 17, "b": np.arange(rows) % 5})


BAD: dict[str, tuple[bytes | str, str, int | None, str | None]] = {
    "Latin-1": (with_row(40, "38,gr\xfcn,1.5").encode("latin-1"), "encoding", 40, None),
    "a short row": (with_row(12, "10,red"), "ragged", 12, None),
    "a long row": (with_row(200, "10,red,1.5,2.5"), "ragged", 200, None),
    "nothing": ("", "empty", None, None),
    "blank lines": ("\n\n  \n", "empty", None, None),
    "a header only": ("number,colour,size\n", "rows", None, None),
    "too few rows": ("\n".join(GOOD.splitlines()[:50]), "rows", None, None),
    "two columns of one name": (GOOD.replace("colour", "Number", 1), "duplicate_name", None, "Number"),
    "a column without a name": (GOOD.replace("colour", "", 1), "empty_name", None, None),
    "a name of 500 characters": (GOOD.replace("colour", "c" * 500, 1), "long_name", None, None),
    "a ZIP archive": (archive(), "not_a_table", None, None),
    "a gzip archive": (gzip.compress(GOOD.encode()), "not_a_table", None, None),
    "a PDF": (b"%PDF-1.7\n" + bytes(range(256)), "not_a_table", None, None),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not_a_table", None, None),
    "ten thousand columns": (
        ",".join(f"c{i}" for i in range(10_000)) + "\n" + ",".join("1" * 10_000) + "\n",
        "columns",
        None,
        None,
    ),
    "a formula": (with_row(77, '75,"=HYPERLINK(""http://x.example"",""see"")",1.5'), "formula", 77, "colour"),
    "a command": (with_row(78, "76,=cmd|' /C calc'!A0,1.5"), "formula", 78, "colour"),
    "a formula in the header": (GOOD.replace("colour", "=1+1", 1), "formula", 1, None),
    "an unclosed quote": (with_row(60, '58,"red,1.5'), "quotes", None, None),
    "a NUL byte": (with_row(31, "29,re\0d,1.5"), "nul", 31, None),
    "a cell of two megabytes": (with_row(55, f"53,{'x' * (2 << 20)},1.5"), "cell", 55, "colour"),
    "a number out of range": (with_row(66, "64,red,1e999"), "range", 66, "size"),
    "a whole number out of range": (with_row(66, f"{'9' * 30},red,1.5"), "range", 66, "number"),
    "no header": ("\n".join(ROWS) + "\n", "header", 1, None),
    "no usable column": (
        csv_of(
            id=[str(i) for i in range(300)],
            remark=[f"said {i} once and {i * 7} as one of more words than a name has" for i in range(300)],
        ),
        "no_usable_column",
        None,
        None,
    ),
    "a day in no calendar": (
        csv_of(day=["2024-02-28"] * 150 + ["2023-02-29"] + ["2024-03-01"] * 20, a=["1", "2", "3"] * 57),
        "range",
        152,
        "day",
    ),
    "a Parquet file cut short": (parquet(numbers(500))[:-200], "damaged", None, None),
    "a Parquet file of noise": (b"PAR1" + bytes(range(256)) * 8 + b"PAR1", "damaged", None, None),
    "nested Parquet": (
        parquet(numbers(200).append_column("list", pa.array([[1, 2]] * 200))),
        "type",
        None,
        "list",
    ),
    "bytes in Parquet": (parquet(numbers(200).append_column("raw", pa.array([b"x"] * 200))), "type", None, "raw"),
    "infinity in Parquet": (
        parquet(numbers(200).append_column("ratio", pa.array([1.0] * 150 + [float("inf")] + [2.0] * 49))),
        "range",
        151,
        "ratio",
    ),
    "a NUL byte in Parquet": (
        parquet(numbers(200).append_column("text", pa.array(["a"] * 99 + ["b\0"] + ["b"] * 100))),
        "nul",
        100,
        "text",
    ),
    "a time zone of no name": (
        parquet(numbers(200).append_column("at", pa.array(range(200), pa.timestamp("us", tz="Mars/\0Olympus")))),
        "type",
        None,
        "at",
    ),
    "a name that reads backwards": (GOOD.replace("colour", "\u202eruoloc", 1), "name", None, None),
    "a formula in Parquet": (
        parquet(numbers(200).append_column("text", pa.array(["a"] * 99 + ["@SUM(A1)"] + ["b"] * 100))),
        "formula",
        100,
        "text",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_a_remedy_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    content, code, row, column = BAD[name]
    answer = understand(content, tmp_path)
    assert "problems" in answer, answer
    problem = next((one for one in answer["problems"] if one["code"] == code), None)
    assert problem is not None, answer
    assert problem["message"] and problem["remedy"]
    if row is not None:
        assert problem["row"] == row
        assert str(row) in problem["message"] or row == 1
    if column is not None:
        assert problem["column"] == column
    assert list((tmp_path / "out").iterdir()) == []


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    lines[30] = "29,=1+1,1.5"
    lines[50] = "49,red,1e999"
    lines[60] = f"59,{'x' * (2 << 20)},2.5"
    problems = understand("\n".join(lines), tmp_path)["problems"]
    assert {(one["code"], one["row"]) for one in problems} >= {("formula", 31), ("cell", 61)}
    names = understand("a,,a,=b()\n" + "1,2,3,4\n" * 200, tmp_path)["problems"]
    assert {one["code"] for one in names} >= {"empty_name", "duplicate_name", "formula"}


def test_a_thousand_faults_of_a_kind_make_a_short_list_with_their_number(tmp_path: Path) -> None:
    lines = GOOD.splitlines() + ["1,2"] * 1000
    answer = understand("\n".join(lines), tmp_path)
    assert len(answer["problems"]) == 5
    assert answer["unlisted"] == 995


def test_a_parquet_file_that_claims_two_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    zeros = pa.table({"a": pa.array(np.zeros(40_000_000)), "b": pa.array(np.zeros(40_000_000))})
    content = parquet(zeros, compression="zstd", use_dictionary=False)
    assert len(content) < 1 << 20
    answer = understand(content, tmp_path, decoded_bytes=256 << 20)
    assert [one["code"] for one in answer["problems"]] == ["too_large"]


def test_a_parquet_file_that_hides_its_size_is_refused_while_it_is_read(tmp_path: Path) -> None:
    repeated = pa.table({"a": pa.array(["x" * 1000] * 1_000_000)})
    content = parquet(repeated)
    claimed = sum(pq.ParquetFile(io.BytesIO(content)).metadata.row_group(i).total_byte_size for i in range(1))
    assert claimed < 1 << 20
    answer = understand(content, tmp_path, decoded_bytes=64 << 20)
    assert [one["code"] for one in answer["problems"]] == ["too_large"]


def test_types_are_found_over_all_rows(tmp_path: Path) -> None:
    n = 300
    content = csv_of(
        whole=[str(i % 50 - 20) for i in range(n)],
        price=[f"{i % 40}.{i % 100:02d}" for i in range(n)],
        late=[str(i % 9) for i in range(n - 1)] + ["0.5"],
        flag=["true", "False", "TRUE"] * (n // 3),
        day=[f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(n)],
        european=[f"{i % 28 + 1}.{i % 12 + 1}.2024" for i in range(n)],
        american=[f"{i % 12 + 1}/{i % 28 + 1}/2024" for i in range(n)],
        unclear=[f"{i % 12 + 1}/{i % 12 + 1}/2024" for i in range(n)],
        moment=[f"2024-05-{i % 28 + 1:02d}T{i % 24:02d}:30:00" for i in range(n)],
        zoned=[f"2024-05-{i % 28 + 1:02d} {i % 24:02d}:30:00+02:00" for i in range(n)],
        clock=[f"{i % 24}:{i % 60:02d}" for i in range(n)],
        postcode=[f"0{i % 20:04d}" for i in range(n)],
        gaps=[["", "NA", "null", "NaN", "?", "3"][i % 6] for i in range(n)],
        empty=[""] * n,
        fixed=["same"] * n,
        number=[str(1000 + i) for i in range(n)],
        code=[f"AB-{i:05d}" for i in range(n)],
        title=[f"words {i} {i * i}" for i in range(n)],
        remark=[f"words {i} and {i * i} " + "that go on and on " * 5 for i in range(n)],
    )
    columns = columns_of(understand(content, tmp_path))
    found = {name: (column["type"], column["kind"]) for name, column in columns.items()}
    assert found == {
        "whole": ("int64", "number"),
        "price": ("double", "number"),
        "late": ("double", "number"),
        "flag": ("bool", "boolean"),
        "day": ("date32[day]", "date"),
        "european": ("date32[day]", "date"),
        "american": ("date32[day]", "date"),
        "unclear": ("string", "category"),
        "moment": ("timestamp[us]", "datetime"),
        "zoned": ("timestamp[us, tz=UTC]", "datetime"),
        "clock": ("time32[s]", "time"),
        "postcode": ("string", "category"),
        "gaps": ("int64", "constant"),
        "empty": ("string", "empty"),
        "fixed": ("string", "constant"),
        "number": ("int64", "key"),
        "code": ("string", "key"),
        "title": ("string", "category"),
        "remark": ("string", "text"),
    }
    assert columns["price"]["decimals"] == 2
    gaps = pq.read_table(tmp_path / "out" / "default.parquet").column("gaps")
    assert columns["gaps"]["missing"] == round(gaps.null_count / len(gaps), 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends_do_not_matter(
    delimiter: str, encoding: str, newline: str, tmp_path: Path
) -> None:
    text = GOOD.replace("red", "“röt”").replace(",", delimiter).replace("\n", newline)
    columns = columns_of(understand(text.encode(encoding), tmp_path))
    assert list(columns) == ["number", "colour", "size"]
    stored = pq.read_table(tmp_path / "out" / "default.parquet")
    assert set(stored.column("colour").to_pylist()) == {"“röt”", "blue"}


def test_quoted_delimiters_quotes_and_line_breaks_are_part_of_the_value(tmp_path: Path) -> None:
    rows = [f'{i % 7},"a, ""b""\nc"' for i in range(200)]
    understand("n,text\n" + "\n".join(rows), tmp_path)
    stored = pq.read_table(tmp_path / "out" / "default.parquet")
    assert set(stored.column("text").to_pylist()) == {'a, "b"\nc'}


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    n = 400
    table = pa.table(
        {
            "small": pa.array(np.arange(n) % 90, pa.int16()),
            "single": pa.array(np.arange(n) % 7 / 4, pa.float32()),
            "money": pa.array([Decimal(i % 50) / 4 for i in range(n)], pa.decimal128(12, 2)),
            "moment": pa.array(np.arange(n) % 60 * 1000, pa.timestamp("ms", tz="Europe/Vienna")),
            "level": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
        }
    )
    columns = columns_of(understand(parquet(table), tmp_path))
    assert [column["type"] for column in columns.values()] == [
        "int16",
        "float",
        "decimal128(12, 2)",
        "timestamp[ms, tz=Europe/Vienna]",
        "string",
    ]


def test_a_real_table_comes_out_as_it_went_in(tmp_path: Path) -> None:
    table = diabetes()
    answer = understand(write_csv(table, tmp_path / "table.csv").read_bytes(), tmp_path)
    assert [column["type"] for column in columns_of(answer).values()] == [str(field.type) for field in table.schema]
    facts = answer["tables"]["default"]
    kept = pq.read_table(tmp_path / "out" / "default.parquet")
    withheld = pq.read_table(tmp_path / "out" / "holdout" / "default.parquet")
    assert facts["rows"] == table.num_rows == kept.num_rows + withheld.num_rows
    assert facts["holdout_rows"] == withheld.num_rows
    both = pa.concat_tables([kept, withheld]).sort_by([(name, "ascending") for name in table.column_names])
    assert both.equals(table.sort_by([(name, "ascending") for name in table.column_names]))


@pytest.mark.parametrize(("rows", "least", "most"), [(100, 1, 25), (400, 50, 105), (600, 50, 105), (5000, 400, 600)])
def test_of_small_tables_more_is_withheld_so_that_what_is_made_can_be_judged(
    rows: int, least: int, most: int, tmp_path: Path
) -> None:
    for key in range(5):
        answer = understand(csv_of(a=[str(i % 9) for i in range(rows)]), tmp_path, holdout_key=f"{key:02x}" * 16)
        assert least <= answer["tables"]["default"]["holdout_rows"] <= most
    nothing = understand(csv_of(a=[str(i % 9) for i in range(rows)]), tmp_path, holdout_share=0.0)
    assert nothing["tables"]["default"]["holdout_rows"] == 0


def test_rows_that_are_withheld_decide_nothing_about_a_column(tmp_path: Path) -> None:
    """Ten rows have each mark, the fewest that count: where one of the ten is withheld, nine are left."""
    n = 400
    marked = csv_of(
        person=[str(i) for i in range(n)],
        level=[str(i % 7) for i in range(n)],
        **{f"mark{k}": ["1" if i % 40 == k else "" for i in range(n)] for k in range(40)},
    )
    columns = columns_of(understand(marked, tmp_path, holdout_share=0.1))
    kept = pq.read_table(tmp_path / "out" / "default.parquet")
    values = {name: len(kept) - kept.column(name).null_count for name in kept.column_names}
    assert {values[f"mark{k}"] for k in range(40)} > {9, 10}, "some lose rows to the hold-out and some do not"
    for k in range(40):
        assert columns[f"mark{k}"]["kind"] == ("constant" if values[f"mark{k}"] >= 10 else "empty")


words = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöü", min_size=6, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=words, number=st.integers(10**7, 10**12), fault=st.booleans())
def test_nothing_that_is_said_of_a_file_repeats_a_value(word: str, number: int, fault: bool, tmp_path: Path) -> None:
    planted = [f"{number},{word}{i % 2},{i % 9}" for i in range(150)]
    rows = [f"{i},plain,{i % 9}" for i in range(150)] + planted
    if fault:
        rows += [f"={word}(),{word},1", f"{number},{word}", f"{word},{number},1e999"]
    said = json.dumps(understand("amount,label,c\n" + "\n".join(rows), tmp_path), ensure_ascii=False)
    assert ("problems" in said) == fault
    assert word not in said
    assert str(number) not in said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=4000) | st.text(max_size=2000).map(str.encode))
def test_any_bytes_are_understood_or_refused_but_never_crash(content: bytes, tmp_path: Path) -> None:
    answer = understand(content, tmp_path)
    assert ("tables" in answer) != ("problems" in answer)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_parquet_file_is_understood_or_refused_but_never_crashes(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(parquet(numbers(500)))
    for at in data.draw(st.lists(st.integers(4, len(content) - 1), min_size=1, max_size=4)):
        content[at] ^= data.draw(st.integers(1, 255))
    answer = understand(bytes(content), tmp_path)
    assert ("tables" in answer) != ("problems" in answer)


def test_an_identifier_that_is_no_column_is_a_fault_of_that_field(tmp_path: Path) -> None:
    problems = understand(GOOD, tmp_path, identifier="person")["problems"]
    assert [(one["field"], one["code"]) for one in problems] == [("identifier", "identifier")]


def test_a_missing_holdout_key_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holdout_key"):
        parse(tmp_path / "upload", tmp_path, {})


HEADERLESS = {
    "all text": (
        "Zbigniew,Kuru,Gdansk",
        [f"P{i},{'gout' if i % 2 else 'flu'},{'Ulm' if i % 3 else 'Gdansk'}" for i in range(300)],
    ),
    "one name twice": ("Zbigniew,Zbigniew,Ulm", [f"P{i},P{i},{'Ulm' if i % 3 else 'Gdansk'}" for i in range(300)]),
    "a formula further down": (
        "Zbigniew,Kuru,Ulm",
        [f"P{i},{'=A(1)' if i == 7 else 'flu'},{'Ulm' if i % 3 else 'Bonn'}" for i in range(300)],
    ),
    "an age": ("Zbigniew,Zbigniew,71", [f"P{i},P{i},{i % 80}" for i in range(300)]),
}


@pytest.mark.parametrize("name", HEADERLESS)
def test_a_first_row_in_the_place_of_the_names_is_refused_and_never_quoted(name: str, tmp_path: Path) -> None:
    first, rows = HEADERLESS[name]
    answer = understand("\n".join([first, *rows]), tmp_path)
    assert "problems" in answer, answer
    assert "Zbigniew" not in json.dumps(answer)
    assert "Kuru" not in json.dumps(answer)


def test_a_name_that_is_also_a_value_is_a_name_where_another_column_shows_it(tmp_path: Path) -> None:
    rows = [f"{'other' if i % 3 else 'none'},{i % 50}" for i in range(300)]
    assert set(columns_of(understand("\n".join(["other,age", *rows]), tmp_path))) == {"other", "age"}
