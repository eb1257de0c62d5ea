"""What a wish cost is told: how a target hung on a sensitive column before and after, and what a model lost by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from generation.quality.judge.cost import Wished, judge_cost, weights_of
from generation.quality.judge.frames import frames

INDEPENDENT = Wished(independent=(("paid", "sex"),))


def workers(rows: int, seed: int, *, gap: float = 0.3) -> pa.Table:
    """Who is paid well: by skill, and by sex as far as ``gap`` says."""
    rng = np.random.default_rng(seed)
    man = rng.random(rows) < 0.5
    skill = rng.normal(size=rows)
    chance = 0.35 + 0.2 * np.clip(skill, -1.5, 1.5) + gap * (man - 0.5)
    return pa.table(
        {
            "sex": np.where(man, "m", "f"),
            "skill": skill.round(2),
            "paid": np.where(rng.random(rows) < chance, "well", "badly"),
        }
    )


def judged(made: pa.Table, wished: Wished) -> dict[str, Any] | None:
    tables = frames(workers(6000, 1), workers(2000, 2), made)
    return judge_cost(*tables, wished=wished, target="paid", rng=np.random.default_rng(0))


def test_a_target_made_independent_shows_its_dependence_and_its_cost_before_and_after() -> None:
    found = judged(workers(6000, 3, gap=0.0), INDEPENDENT)
    assert found is not None
    [pair] = found["independent"]
    assert pair["strength"]["real"] > 0.2 > 0.06 > pair["strength"]["made"]["value"]
    assert pair["gap"]["real"] > 0.2 and pair["gap"]["made"]["value"] < 0.06
    assert {group["group"] for group in pair["groups"]} == {"m", "f"}
    assert "paid was made independent of sex" in pair["words"] and "instead of" in pair["words"]
    assert found["real"]["value"] > found["weighed"]["value"], "sex told of the pay"
    assert abs(found["weighed"]["value"] - found["made"]["value"]) < 0.02, "the making itself cost nothing"
    assert found["lost"]["interval"][0] > 0
    assert "A model of paid scores" in found["verdict"]


def test_neither_a_group_nor_an_outcome_of_one_person_is_named_however_many_rows_they_have() -> None:
    tables = []
    for rows, one in ((3000, 100), (1000, 60), (3000, 0)):
        table, some = workers(rows, rows), pa.table({"sex": ["x"] * one, "skill": [0.0] * one, "paid": ["oddly"] * one})
        tables.append(pa.concat_tables([table, some.cast(table.schema)]))
    whose = np.concatenate([np.arange(3000), np.full(100, 3000)])
    for people, named in ((None, True), (whose, False)):
        found = judge_cost(
            *frames(*tables), wished=INDEPENDENT, target="paid", people=people, rng=np.random.default_rng(0)
        )
        assert found is not None
        assert ({"group": "x", "real": 1.0, "made": 0.0} in found["independent"][0]["groups"]) is named
        assert ("oddly" in str(found)) is named


def test_a_wish_that_was_not_kept_is_seen() -> None:
    found = judged(workers(6000, 3), INDEPENDENT)
    assert found is not None
    [pair] = found["independent"]
    assert abs(pair["gap"]["made"]["value"] - pair["gap"]["real"]) < 0.06
    assert abs(found["wish"]["value"]) < 0.01


def test_other_shares_are_told_by_what_real_rows_of_these_shares_teach() -> None:
    made = workers(9000, 3)
    paid = pa.compute.equal(made.column("paid"), "well")
    made = pa.concat_tables([made.filter(paid), made.filter(pa.compute.invert(paid)).slice(0, 300)])
    found = judged(made, Wished(shares=("paid",)))
    assert found is not None
    assert found["independent"] == []
    assert found["verdict"].startswith("A model of paid scores")
    real, _, ours = frames(workers(6000, 1), workers(2000, 2), made)
    weights = weights_of(real, ours, ["paid"])
    level = ours.column("paid").levels.index("badly")
    share = weights[real.column("paid").codes() == level].sum()
    assert abs(share - 300 / made.num_rows) < 1e-9


def test_where_nothing_was_asked_nothing_is_told() -> None:
    assert judged(workers(100, 3), Wished()) is None
