"""Simulated tables know what was planted in them: whether it is there as the answer key says, and what of it a plain
model recovers.

A plain model is boosted trees with their usual settings on the columns as they are, without anything made of them. What
it does not find is what the table has to teach; what it finds at once is too easy to be real.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from generation.quality.judge.figures import Figure
from generation.quality.judge.frames import Floats, Frame, Ints
from generation.quality.judge.learning import boosted_features, folds, one_thread, separation
from generation.quality.judge.privacy.rates import Rate

_FOLDS = 5
_FEWEST = 50


def judge_answer_key(
    table: Frame,
    planted: Mapping[str, int],
    *,
    cause: str,
    person: str | None = None,
    leave_out: Collection[str] = (),
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Compare what a table holds with the rows ``planted`` of each cause, and let a plain model look for them.

    ``cause`` is the column that names the cause, missing where nothing was planted; columns of ``leave_out`` tell of it
    and are not shown to the model; rows with the same ``person`` are never both learned from and asked. Returns
    ``{"rows", "planted": rows in all, "area": F or null, "causes": [{"cause", "planted", "found": rows that are there,
    "as_planted": bool, "recovered": F or null}…]}``: the area under the curve of the model, asked of rows that it has
    not seen, and the share of each cause's rows among as many of the most suspicious as were planted.
    """
    column = table.column(cause)
    codes = column.codes()
    is_planted = codes >= 0
    held = {level: int((codes == code).sum()) for code, level in enumerate(column.levels)}
    enough = min(int(is_planted.sum()), int((~is_planted).sum())) >= _FEWEST
    scores = _suspicion(table, is_planted, person, {*leave_out, cause}, rng) if enough else None
    area, suspects = None, np.zeros(table.rows, np.bool_)
    if scores is not None:
        found = separation(scores, is_planted)
        area = Figure(found.area, (found.low, found.high), {"guess": 0.5}).as_json()
        suspects[np.argsort(-scores, kind="stable")[: is_planted.sum()]] = True
    by_chance = float(is_planted.mean()) if table.rows else 0.0
    causes = []
    for name in sorted({*planted, *held}):
        rows = codes == column.levels.index(name) if name in held else np.zeros(table.rows, np.bool_)
        rate = Rate(int(suspects[rows].sum()), int(rows.sum()))
        recovered = Figure(rate.plain, rate.interval(), {"guess": by_chance}).as_json()
        causes.append(
            {
                "cause": name,
                "planted": planted.get(name, 0),
                "found": rate.attacks,
                "as_planted": planted.get(name, 0) == rate.attacks,
                "recovered": recovered if enough and rate.attacks else None,
            }
        )
    return {"rows": table.rows, "planted": int(is_planted.sum()), "area": area, "causes": causes}


def _suspicion(
    table: Frame, is_planted: Any, person: str | None, leave_out: Collection[str], rng: np.random.Generator
) -> Floats:
    """Return how suspicious each row is to a model that learned from other people's rows; shape (rows,)."""
    features, categories = boosted_features(table, [*leave_out, *([person] if person is not None else [])])
    fold = folds(is_planted, _FOLDS, rng) if person is None else _folds_of(table.column(person).values, rng)
    scores = np.zeros(table.rows)
    for one in range(_FOLDS):
        asked = fold == one
        if not asked.any() or len(np.unique(is_planted[~asked])) < 2:
            continue
        model = HistGradientBoostingClassifier(
            categorical_features=categories, early_stopping=False, random_state=int(rng.integers(2**31))
        )
        with one_thread():
            scores[asked] = model.fit(features[~asked], is_planted[~asked]).predict_proba(features[asked])[:, 1]
    return scores


def _folds_of(people: Floats, rng: np.random.Generator) -> Ints:
    """Assign all rows of a person to one fold."""
    every, which = np.unique(people, return_inverse=True)
    folded: Ints = rng.permutation(np.arange(len(every)) % _FOLDS)[which]
    return folded
