"""A report says in figures and in words how good a made table is, the same each time, and names nobody's value."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.quality.judge import report
from generation.quality.judge.frames import frames
from generation.quality.judge.report import Asked, Source, judge, sampled
from tests.generation.quality.judge.tables import people

ASKED = Asked(target="ill", sensitive=("age", "region"), secrets=("income",))
SECTIONS = ("likeness", "usefulness", "privacy", "fairness", "groups", "cost")


def judged(
    real: pa.Table, held: pa.Table, made: pa.Table, asked: Asked | None = None, source: Source | None = None
) -> dict[str, Any]:
    told: list[float] = []
    found = judge(
        real,
        held,
        made,
        asked=asked or Asked(target="ill"),
        seed=bytes(range(32)),
        tell=lambda done, doing: told.append(done),
        source=source or Source(),
    )
    assert told == sorted(told)
    assert told[-1] == 1.0 or found["privacy"] is None
    return json.loads(json.dumps(found, allow_nan=False))


def table(seed: int, *, odd: bool = False) -> pa.Table:
    """150 people with keys; one of them may be very rich and live where nobody else does."""
    found = people(150, seed).append_column(
        pa.field("id", pa.string(), metadata={"role": "key"}), pa.array([f"k{number}" for number in range(150)])
    )
    if not odd:
        return found
    found = found.set_column(2, "income", pa.array([9_999_999.0, *found["income"].to_pylist()[1:]]))
    return found.set_column(1, "region", pa.array(["a hermitage", *found["region"].to_pylist()[1:]]))


@pytest.fixture(scope="module")
def honest() -> dict[str, Any]:
    return judged(table(1, odd=True), table(2), table(3), ASKED)


def test_a_report_has_every_section_and_a_verdict_on_each(honest: dict[str, Any]) -> None:
    assert set(honest) == {
        "rows",
        "left_out",
        *SECTIONS,
        "relations",
        "rests_on",
        "not_tested",
        "verdict",
        "refused",
    }
    assert honest["rows"] == {"fitted": 150, "holdout": 150, "made": 150, "judged": 150}
    assert honest["left_out"] == ["id"]
    assert set(honest["verdict"]) == set(SECTIONS)
    assert "withheld rows of the real table" in honest["verdict"]["likeness"]
    assert "model of ill" in honest["verdict"]["usefulness"]
    assert honest["verdict"]["fairness"].startswith("Not measured: there are no groups large enough")
    assert any("id" in sentence for sentence in honest["not_tested"])
    assert honest["refused"] is None


def test_a_perfect_copy_is_refused_and_the_report_says_it_is_one() -> None:
    real = people(150, 1)
    found = judged(real, people(150, 2), real)
    assert found["refused"]
    assert "copies" in found["verdict"]["likeness"]


def test_a_table_with_an_empty_column_is_not_called_alike_and_the_column_is_named() -> None:
    noise = np.random.default_rng(1).normal(size=1200)
    real, held, made = (people(400, seed).append_column("noise", [noise[400 * seed :][:400]]) for seed in range(3))
    empty = made.set_column(5, "noise", pa.nulls(400, pa.float64()))
    whole, told = (judged(real, held, one)["verdict"]["likeness"] for one in (made, empty))
    assert whole.startswith(("As alike as", "Nearly as alike as")) and "missing" not in whole
    assert told.startswith("Less alike than withheld rows of the real table: what can be compared scores 0.9")
    assert "Other cells are missing: 100% of noise instead of 0%." in told


def test_how_many_people_were_attacked_and_how_many_strangers_is_told_as_it_was() -> None:
    found = judged(people(400, 1), people(150, 2), people(300, 3))
    rests = {one["figures"]: one["rows"] for one in found["rests_on"]}
    tried = {
        (attack["attacks"]["tried"], attack["control"]["tried"])
        for attack in found["privacy"]["attacks"]
        if attack["attack"] in ("membership", "inference", "linkability")
    }
    assert tried == {(400, 150)}
    assert rests["Attacks on people"] == "400 people learned from, 150 withheld"
    assert rests["Singling out"] == "guesses from 150 made, tried on 150 of either side"
    assert rests["Distance to the closest"] == "300 made, each among 150 of either side"


def test_the_same_tables_and_seed_give_the_same_report(honest: dict[str, Any]) -> None:
    assert judged(table(1, odd=True), table(2), table(3), ASKED) == honest


def test_a_report_tells_no_value_of_one_person(honest: dict[str, Any]) -> None:
    told = json.dumps(honest)
    assert "9999999" not in told
    assert "hermit" not in told


@pytest.mark.parametrize("asked", [Asked("ill", sensitive=("region",)), Asked("region", sensitive=("ill",))])
def test_a_value_of_one_person_with_many_rows_is_told_nowhere(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ROWS", 900)  # so that rows are drawn, and people with them
    real, held = ((people(rows, rows), few) for rows, few in ((1000, 100), (400, 60)))
    fitted, holdout = (table.set_column(1, "region", _begun_with(table, few)) for table, few in (real, held))
    whose = np.concatenate([np.zeros(100, np.int64), np.arange(1, 901)])
    assert "a hermitage" in json.dumps(judged(fitted, holdout, people(1000, 3), asked))
    assert "a hermitage" not in json.dumps(judged(fitted, holdout, people(1000, 3), asked, Source(people=whose)))


def _begun_with(table: pa.Table, few: int) -> pa.Array:
    return pa.array(["a hermitage"] * few + table.column("region").to_pylist()[few:])


def test_of_a_table_too_small_nothing_is_measured() -> None:
    found = judged(people(5, 1), people(5, 2), people(5, 3))
    assert [found[section] for section in SECTIONS] == [None] * len(SECTIONS)
    assert all("Nothing was measured" in sentence for sentence in found["verdict"].values())
    assert "5 rows learned from, 5 withheld and 5 made" in found["not_tested"][0]


def test_of_a_large_table_each_class_of_the_target_keeps_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ROWS", 1_000)
    (frame,) = frames(people(30_000, 1))
    some = frame.take(sampled(frame, "region", np.random.default_rng(1)))
    assert some.rows == 1_000
    shares = [np.bincount(one.column("region").codes()) / one.rows for one in (frame, some)]
    assert np.abs(shares[0] - shares[1]).max() <= 0.002


def test_groups_of_a_sensitive_column_are_compared_by_the_target_that_was_named_or_chosen() -> None:
    tables = [people(300, seed) for seed in (1, 2, 3)]
    for target in ("ill", None):
        found = judged(*tables, Asked(target=target, sensitive=("region",)))
        assert found["fairness"]["target"] == found["usefulness"]["target"]
        [column] = found["fairness"]["columns"]
        assert (column["column"], len(column["groups"])) == ("region", 2)
        assert found["verdict"]["fairness"] == found["fairness"]["verdict"]
