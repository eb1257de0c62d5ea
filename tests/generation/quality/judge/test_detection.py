"""Made rows that differ from real ones are told apart, those that do not are not, and copies are suspected."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from generation.quality.judge.detection import FEWEST, boosted_detection, judge_detection, linear_detection
from generation.quality.judge.frames import frames
from generation.quality.judge.learning import folds, separation
from tests.generation.quality.judge.tables import people

REAL, HELD = people(500, 1), people(500, 2)


def judged(made: pa.Table, real: pa.Table = REAL, held: pa.Table = HELD) -> dict[str, Any]:
    found = judge_detection(*frames(real, held, made), rng=np.random.default_rng(3))
    return json.loads(json.dumps(found, allow_nan=False))


def test_rows_of_the_same_kind_are_not_told_apart_and_other_rows_are() -> None:
    real, alike, drifted = frames(REAL, people(500, 4), people(500, 5, drift=0.6))
    for told in (boosted_detection, linear_detection):
        assert abs(told(real, alike, np.random.default_rng(3)).area - 0.5) < 0.06
        assert told(real, drifted, np.random.default_rng(3)).low > 0.6


def test_copies_of_the_fitted_rows_are_suspected_and_the_bootstrap_is_the_ceiling() -> None:
    few = REAL.slice(0, 250)
    found = judged(few, few, HELD.slice(0, 250))
    assert found["boosted"]["fitted"]["value"] < 0.4
    assert "copies" in found["warning"]
    yardsticks = found["boosted"]["fitted"]["yardsticks"]
    assert yardsticks["copy"] < yardsticks["bootstrap"] < yardsticks["holdout"] < yardsticks["independent"]
    assert found["boosted"]["holdout"]["yardsticks"]["bootstrap"] > 0.5


def test_the_same_seed_gives_the_same_figures() -> None:
    real, made = frames(REAL, people(100, 6))
    first, second = (boosted_detection(real, made, np.random.default_rng(8)) for _ in range(2))
    assert first == second


def test_columns_of_which_nothing_is_there_stand_in_no_models_way() -> None:
    rng = np.random.default_rng(1)
    nothing = {"none": pa.nulls(80, pa.float64()), "no text": pa.nulls(80, pa.string()), "constant": [1] * 80}
    for told in (boosted_detection, linear_detection):
        assert told(*frames(pa.table(nothing), pa.table(nothing)), rng).area == 0.5
        real, made = ({**nothing, "there": rng.normal(mean, 1, 80)} for mean in (0, 3))
        assert told(*frames(pa.table(real), pa.table(made)), rng).low > 0.9


def test_of_a_handful_of_rows_nothing_is_said() -> None:
    found = judged(people(FEWEST - 1, 7))
    assert found["boosted"]["fitted"]["value"] is None
    assert str(FEWEST) in found["linear"]["holdout"]["why"]


@pytest.mark.parametrize("ties", [1, 1_000])
def test_the_area_is_that_of_scikit_learn_and_its_interval_holds_the_truth(ties: int) -> None:
    rng = np.random.default_rng(ties)
    held, truth = 0, 0.7602499  # of two normal distributions one deviation apart: the normal integral up to 1/sqrt(2)
    for _ in range(200):
        positive = rng.random(400) < 0.3
        scores = np.round(rng.normal(positive, 1) * ties) if ties > 1 else np.round(rng.normal(positive, 1))
        found = separation(scores, positive)
        assert found.area == pytest.approx(roc_auc_score(positive, scores))
        held += found.low <= truth <= found.high
    assert ties == 1 or 180 <= held <= 199


def test_folds_share_out_both_classes() -> None:
    positive = np.arange(103) < 23
    assigned = folds(positive, 5, np.random.default_rng(1))
    assert sorted(np.bincount(assigned[positive])) == [4, 4, 5, 5, 5]
    assert np.ptp(np.bincount(assigned)) <= 2
