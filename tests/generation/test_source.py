"""Fitting sees nine tenths of an upload, whole people, in their order, and nothing of the rest."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from generation.runner.parse import parse
from generation.runner.source import open_holdout, open_source
from generation.sdk import Source
from tests.data.tables import tumours, write_csv

KEY = "c3" * 32


def parsed(content: str, folder: Path, **limits: Any) -> Path:
    path = folder / "upload.csv"
    path.write_text(content)
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    answer = parse(path, out, {"holdout_key": KEY, **limits})
    assert "tables" in answer, answer
    return out


def rows_of(source: Source, columns: list[str] | None = None) -> pa.Table:
    return pa.Table.from_batches(list(source.batches("default", columns)))


def visits(people: int = 500, each: int = 6) -> str:
    rows = [f"{person},{visit},{(person * 7 + visit * 3) % 40}" for person in range(people) for visit in range(each)]
    return "\n".join(["person_id,visit,value", *rows]) + "\n"


def test_a_tenth_is_withheld_and_the_two_sides_share_no_row(tmp_path: Path) -> None:
    content = "\n".join(["position,value", *(f"{i},{i % 13}" for i in range(20_000))])
    folder = parsed(content, tmp_path)
    kept = rows_of(open_source(folder)).column("position").to_pylist()
    withheld = rows_of(open_holdout(folder)).column("position").to_pylist()
    assert sorted(kept + withheld) == list(range(20_000))
    assert kept == sorted(kept)
    assert len(withheld) == pytest.approx(2_000, rel=0.1)


def test_the_hold_out_depends_on_the_key_and_on_nothing_else(tmp_path: Path) -> None:
    content = "\n".join(["position,value", *(f"{i},{i % 13}" for i in range(2_000))])
    first = rows_of(open_holdout(parsed(content, tmp_path)))
    again = rows_of(open_holdout(parsed(content, tmp_path)))
    other = rows_of(open_holdout(parsed(content, tmp_path, holdout_key="11" * 16)))
    assert first.equals(again)
    assert not first.equals(other)


def test_with_an_identifier_whole_people_are_withheld(tmp_path: Path) -> None:
    folder = parsed(visits(), tmp_path, identifier="person_id")
    kept = set(rows_of(open_source(folder)).column("person_id").to_pylist())
    withheld = set(rows_of(open_holdout(folder)).column("person_id").to_pylist())
    assert kept & withheld == set()
    assert kept | withheld == set(range(500))
    assert 20 < len(withheld) < 90


def test_without_an_identifier_a_column_that_looks_like_one_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "upload.csv"
    path.write_text(visits())
    answer = parse(path, tmp_path / "out", {"holdout_key": KEY})
    assert [warning["column"] for warning in answer["tables"]["default"]["warnings"]] == ["person_id"]


def test_fitting_needs_nothing_of_the_hold_outs_folder(tmp_path: Path) -> None:
    folder = parsed(visits(), tmp_path)
    shutil.rmtree(folder / "holdout")
    source = open_source(folder)
    assert rows_of(source).num_rows == source.facts.tables["default"].rows


def test_facts_carry_kind_and_type_and_columns_can_be_chosen(tmp_path: Path) -> None:
    path = write_csv(tumours(), tmp_path / "tumours.csv")
    out = tmp_path / "out"
    parse(path, out, {"holdout_key": KEY})
    source = open_source(out)
    schema = source.facts.tables["default"].schema
    assert source.facts.bytes == path.stat().st_size
    assert schema.field("diagnosis").metadata[b"kind"] == b"category"
    assert schema.field("mean radius").metadata[b"kind"] == b"number"
    chosen = rows_of(source, ["worst area", "diagnosis"])
    assert chosen.column_names == ["worst area", "diagnosis"]
    with pytest.raises(KeyError, match="no column"):
        rows_of(source, ["nothing"])
