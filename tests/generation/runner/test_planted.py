"""What an answer key says was planted is checked against the layout: what cannot be looked for is named at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from generation.runner import JobSpec, Runner
from generation.runner.planted import faults_of_planted, planted_in
from generation.sdk import Cause, Layout, Planted, Table, field, planted_json

VISITS = Table(
    "visits",
    pa.schema(
        [
            field("patient", pa.int64(), "Who came.", role="reference"),
            field("fever", pa.float64(), "Temperature."),
            field("flu", pa.bool_(), "Was it the flu?", role="label"),
        ]
    ),
)
LAYOUT = Layout("patient", 100, (VISITS,))
FLU = Planted("visits", "flu", (Cause("true", rows=30, columns=("fever",)),), nothing=("false",), unit="patient")


def faults(*planted: Planted) -> list[str]:
    return faults_of_planted({"smokers": 0.2, **planted_json(planted)}, LAYOUT)


def test_what_the_sdk_writes_is_read_back_and_a_key_without_it_plants_nothing() -> None:
    assert faults(FLU) == []
    assert planted_in(planted_json([FLU])) == [FLU]
    for key in (None, {"smokers": 0.2}, [1], 3):
        assert planted_in(key) == [] == faults_of_planted(key, LAYOUT)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"table": "stays"}, "there is no table 'stays'"),
        ({"column": "pox"}, "no column 'pox'"),
        ({"column": "fever"}, "'fever' holds neither text nor booleans"),
        ({"unit": "household"}, "no column 'household'"),
        ({"gives_away": ("sign",)}, "no column 'sign'"),
        ({"causes": (Cause("true", columns=("cough",)),)}, "no column 'cough'"),
        ({"causes": (Cause("true"), Cause("true"))}, "'true' is planted twice"),
        ({"causes": (Cause("false"),)}, "'false' is planted twice, or is nothing too"),
        ({"causes": (Cause("true", rows=3, share=0.1),)}, "has rows and a share"),
        ({"causes": (Cause("true", rows=-3),)}, "has -3 rows"),
        ({"causes": (Cause("true", share=1.5),)}, "a share lies between 0 and 1"),
    ],
)
def test_what_cannot_be_looked_for_is_named(wrong: dict[str, Any], told: str) -> None:
    assert any(told in fault for fault in faults(replace(FLU, **wrong)))


def test_all_faults_come_at_once_with_their_places() -> None:
    found = faults(FLU, replace(FLU, column="pox", unit="household"))
    assert [fault.split(":")[0] for fault in found] == ["planted.1", "planted.1"]
    (shapeless,) = faults_of_planted({"planted": [{"table": "visits", "column": "flu", "causes": 3}]}, LAYOUT)
    assert shapeless.startswith("planted.0.causes")


def test_the_houses_generators_plant_what_can_be_looked_for(tmp_path: Path) -> None:
    for name, tables in (("store-baskets", {"baskets"}), ("clinic-visits", {"patients", "visits"})):
        with Runner(name, scratch=tmp_path) as runner:
            job = JobSpec(generator=name, params={}, units=10, seed="00" * 16)
            runner.prepare(job, None, tmp_path / name)
            assert {one.table for one in planted_in(runner.answer_key(job, tmp_path / name))} == tables
