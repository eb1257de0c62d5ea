"""What was planted in a simulated table is counted, and how much of it a plain model recovers is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from generation.quality.judge.answer_key import judge_answer_key
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
            "fraud": pa.array((cause != "").tolist()),
            "cause": pa.array([one or None for one in cause.tolist()]),
        }
    )


def judged(table: pa.Table, planted: dict[str, int], **asked: Any) -> dict[str, Any]:
    (frame,) = frames(table)
    return judge_answer_key(frame, planted, cause="cause", leave_out=["fraud"], rng=np.random.default_rng(1), **asked)


def test_what_tells_is_recovered_and_what_does_not_is_not() -> None:
    table = simulated(3000, np.random.default_rng(1))
    causes = table.column("cause").to_pylist()
    planted = {name: causes.count(name) for name in ("theft", "slip")}
    for person in (None, "person"):
        report = judged(table, planted, person=person)
        by_name = {one["cause"]: one for one in report["causes"]}
        assert all(one["as_planted"] for one in by_name.values())
        assert by_name["theft"]["recovered"]["interval"][0] > 0.85
        assert by_name["slip"]["recovered"]["interval"][0] < 0.15
        assert report["area"]["interval"][0] > 0.65


def test_a_key_that_tells_of_other_rows_is_found_out() -> None:
    table = simulated(400, np.random.default_rng(2))
    report = judged(table, {"theft": 3, "arson": 5})
    told = {one["cause"]: (one["planted"], one["as_planted"]) for one in report["causes"]}
    assert told == {"arson": (5, False), "slip": (0, False), "theft": (3, False)}


def test_of_few_rows_only_counts_are_said() -> None:
    table = simulated(60, np.random.default_rng(3))
    report = judged(table, {})
    assert report["area"] is None
    assert all(one["recovered"] is None for one in report["causes"])
