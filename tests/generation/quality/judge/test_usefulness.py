"""What can be learned from made rows is measured on real ones, beside what real rows, copies and chance would teach."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from generation.quality.judge.frames import frames
from generation.quality.judge.usefulness import MIXES, choose_target, judge_usefulness, score
from tests.generation.quality.judge.tables import people

REAL, HELD = people(500, 1), people(400, 2)


def judged(made: pa.Table, *, target: str | None = "ill", real: pa.Table = REAL, held: pa.Table = HELD) -> Any:
    found = judge_usefulness(*frames(real, held, made), target=target, rng=np.random.default_rng(3))
    return json.loads(json.dumps(found, allow_nan=False))


def test_rows_of_the_same_kind_teach_what_the_real_ones_do() -> None:
    found = judged(people(500, 4))
    low, high = found["ratio"]["interval"]
    assert low < found["ratio"]["value"] < high
    assert found["ratio"]["value"] > 0.9
    assert found["made"]["yardsticks"]["independent"] < 0.7 < found["real"]["value"]
    assert found["gap"]["value"] == pytest.approx(found["real"]["value"] - found["made"]["value"], abs=2e-6)
    assert [mix["made"] for mix in found["mixes"]] == list(MIXES)
    assert found["best"]["made"] in MIXES
    assert {row["column"] for row in found["importances"]} == {"age", "region", "income", "hours"}
    assert found["importances"][0]["column"] in ("age", "income")
    assert found["importances_alike"]["value"] > 0.7


def test_rows_in_which_nothing_hangs_together_teach_nothing() -> None:
    shuffled = REAL.set_column(4, "ill", REAL["ill"].take(pa.array(np.random.default_rng(5).permutation(500))))
    found = judged(shuffled)
    assert found["ratio"]["value"] < 0.85
    assert found["gap"]["interval"][0] > 0.1
    assert (found["best"]["made"], found["best"]["beyond_noise"]) in [(0.0, False), (0.2, False)]


def test_a_number_is_learned_as_a_number() -> None:
    found = judged(people(500, 4), target="income")
    assert (found["target"], found["measure"], found["chosen"]) == ("income", "r2", None)
    assert found["real"]["yardsticks"]["guess"] == 0


def test_no_quotient_is_told_of_a_score_that_could_be_a_guess() -> None:
    noise = np.random.default_rng(8).normal(size=60)
    few = people(60, 7).append_column("noise", pa.array(noise))
    held = few.slice(0, 30).set_column(5, "noise", pa.array(noise[:30] + np.random.default_rng(9).normal(0, 3, 30)))
    found = judged(few, target="noise", real=few, held=held)
    assert found["ratio"]["value"] is None
    assert found["ratio"]["interval"] is None
    assert "not surely better than a guess" in found["ratio"]["why"]


def test_a_target_is_chosen_that_can_be_learned_and_is_not_given_away() -> None:
    twin = REAL.append_column("again", REAL["ill"])
    found = judged(people(300, 4), target=None, real=REAL.slice(0, 300))
    assert found["target"] == "ill"
    assert "No target was named" in found["chosen"]
    given_away = judge_usefulness(*frames(twin, twin, twin), target=None, rng=np.random.default_rng(3))
    assert given_away is not None
    assert given_away["target"] not in ("ill", "again")


def test_a_target_that_is_chosen_is_none_of_the_columns_to_avoid() -> None:
    (frame,) = frames(REAL)
    chosen = choose_target(frame, np.random.default_rng(1), avoid=["ill"])
    assert chosen is not None
    assert chosen.column != "ill"


def test_where_nothing_can_be_learned_nothing_is_said() -> None:
    rng = np.random.default_rng(6)
    noise = pa.table({"a": rng.integers(0, 2, 200), "b": rng.integers(0, 3, 200)})
    constant = pa.table({"a": [1] * 200, "b": rng.integers(0, 3, 200)})
    assert judged(noise, target=None, real=noise, held=noise.slice(100)) is None
    assert judged(constant, target="a", real=constant, held=constant) is None
    with pytest.raises(KeyError):
        judged(noise, target="c", real=noise, held=noise)


def test_from_a_table_with_no_other_column_only_a_guess_can_be_learned() -> None:
    alone = REAL.select(["ill"])
    found = judged(alone, real=alone, held=alone)
    assert (found["real"]["value"], found["ratio"]["value"], found["importances"]) == (0.5, None, [])


def test_made_rows_of_one_class_teach_a_guess() -> None:
    found = judged(people(400, 4).filter(pa.compute.equal(people(400, 4)["ill"], "no")))
    assert found["made"]["value"] == 0.5


def test_scores_are_those_of_scikit_learn_with_rows_counted_as_often_as_their_weights_say() -> None:
    rng = np.random.default_rng(7)
    truth, said, weights = rng.random(90) < 0.4, np.round(rng.random(90), 1), rng.integers(0, 4, 90).astype(float)
    ours = score("area", truth.astype(float), said, weights), score("r2", said + truth, said, weights)
    theirs = roc_auc_score(truth, said, sample_weight=weights), r2_score(said + truth, said, sample_weight=weights)
    assert ours == pytest.approx(theirs)
