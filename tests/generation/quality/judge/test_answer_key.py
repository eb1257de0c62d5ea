"""What was planted in a simulated table is counted, and how much of it a plain model recovers is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from generation.quality.judge.answer_key import Counted, Expected, judge_answer_key, verdict, warnings
from generation.quality.judge.frames import frames


def simulated(rows: int, rng: np.random.Generator) -> pa.Table:
    """Purchases of 200 people; thefts are large, slips are like all others."""
    cause = rng.choice(["", "theft", "slip"], rows, p=[0.9, 0.05, 0.05])
    amount = rng.lognormal(3, 0.5, rows) * np.where(cause == "theft", 20, 1)
    return pa.table(
        {
            "person": pa.array(rng.integers(0, 200, rows)),
            "amount": amount,
            "hour": pa.array(rng.integers(0, 24, rows)),
            "shop": rng.choice(["online", "market", "station"], rows),
            "fraud": pa.array((cause != "").tolist()),
            "cause": pa.array([one or None for one in cause.tolist()]),
        }
    )


def judged(table: pa.Table, expected: list[Expected], **asked: Any) -> dict[str, Any]:
    (frame,) = frames(table)
    options = {"column": "cause", "gives_away": ["fraud"], "rng": np.random.default_rng(1), **asked}
    return judge_answer_key(frame, expected, **options)


def exact(table: pa.Table) -> list[Expected]:
    causes = table.column("cause").to_pylist()
    return [
        Expected("theft", rows=causes.count("theft"), columns=("amount",)),
        Expected("slip", rows=causes.count("slip"), columns=("hour",)),
    ]


@pytest.fixture(scope="module")
def purchases() -> pa.Table:
    return simulated(3000, np.random.default_rng(1))


@pytest.mark.parametrize("unit", [None, "person"])
def test_what_tells_is_recovered_and_what_does_not_is_not(purchases: pa.Table, unit: str | None) -> None:
    report = judged(purchases, exact(purchases), unit=unit)
    theft, slip = report["causes"]
    assert theft["as_planted"] and slip["as_planted"]
    for model in ("boosted", "linear"):
        assert theft[model]["interval"][0] > 0.95
        assert slip[model]["interval"][0] < 0.55
        assert report[model]["interval"][0] > 0.65
    assert theft["recovered"]["interval"][0] > 0.85
    assert slip["recovered"]["interval"][0] < 0.15
    assert (theft["named"], theft["told_by"]["value"]) == (1, 1)
    assert report["relies_on"][0]["column"] == "amount"
    assert not warnings(report)
    assert "as often as the answer key says" in verdict(report)


def test_a_model_that_is_shown_the_answer_knows_it_and_one_of_shuffled_answers_guesses(purchases: pa.Table) -> None:
    report = judged(purchases, exact(purchases))
    for model in ("boosted", "linear"):
        yardsticks = report[model]["yardsticks"]
        assert yardsticks["answer"] > 0.99
        assert 0.4 < yardsticks["shuffled"] < 0.6
        assert report[model]["value"] < yardsticks["answer"]


def test_no_column_that_gives_the_answer_away_is_shown_to_a_model(purchases: pa.Table) -> None:
    report = judged(purchases, exact(purchases), unit="person")
    assert {one["column"] for one in report["relies_on"]} == {"amount", "hour", "shop"}
    assert report["columns"] == 3


def test_a_key_that_tells_of_other_rows_is_found_out() -> None:
    table = simulated(400, np.random.default_rng(2))
    report = judged(table, [Expected("theft", rows=3), Expected("arson", rows=5)])
    told = {one["cause"]: (one["rows"], one["as_planted"]) for one in report["causes"]}
    assert told == {"theft": (3, False), "arson": (5, False), "slip": (0, False)}
    assert len(warnings(report)) == 3
    assert "not as often as the answer key says: theft, arson, slip" in verdict(report)


@pytest.mark.parametrize(("share", "agrees"), [(0.05, True), (0.12, False), (None, None)])
def test_a_share_that_is_expected_is_met_within_chance(purchases: pa.Table, share: float, agrees: bool | None) -> None:
    report = judged(purchases, [Expected("theft", share=share), Expected("slip", share=0.05)])
    assert report["causes"][0]["as_planted"] is agrees
    assert bool(warnings(report)) == (agrees is False)


def test_of_a_sample_the_rows_are_counted_elsewhere_or_not_compared(purchases: pa.Table) -> None:
    whole = Counted(60_000, {"theft": 3_000, "slip": 3_050, "none": 53_950})
    expected = [Expected("theft", rows=3_000), Expected("slip", rows=3_000)]
    report = judged(purchases, expected, nothing=["none"], counted=whole)
    assert [one["as_planted"] for one in report["causes"]] == [True, False]
    assert report["counted"] == {"rows": 60_000, "whole": True}
    assert report["planted"]["value"] == pytest.approx(6_050 / 60_000, abs=1e-6)
    part = judged(purchases, expected, counted=Counted(3_000, {"theft": 150, "slip": 150}, whole=False))
    assert [one["as_planted"] for one in part["causes"]] == [None, None]
    assert part["planted"]["interval"] is not None


def test_of_few_rows_only_counts_are_said() -> None:
    table = simulated(60, np.random.default_rng(3))
    report = judged(table, exact(table))
    assert report["boosted"]["value"] is None and report["linear"]["value"] is None
    assert all(one["as_planted"] for one in report["causes"])
    assert all(one["recovered"]["value"] is None and one["told_by"]["value"] is None for one in report["causes"])
    assert "Too few rows" in verdict(report)


def test_nothing_planted_is_nothing_found() -> None:
    table = simulated(500, np.random.default_rng(4)).set_column(5, "cause", pa.nulls(500, pa.string()))
    report = judged(table, [Expected("theft", rows=0)])
    assert report["planted"]["value"] == 0
    assert report["causes"][0]["as_planted"]


def test_the_same_table_and_seed_give_the_same_report(purchases: pa.Table) -> None:
    assert judged(purchases, exact(purchases), unit="person") == judged(purchases, exact(purchases), unit="person")
