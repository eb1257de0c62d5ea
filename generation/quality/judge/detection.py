"""Detection: can a model tell made rows from real ones? A classifier two-sample test (Lopez-Paz and Oquab 2017).

Equally many made and real rows are mixed; five times a model learns from four fifths of them and scores the fifth it
has not seen; for the yardsticks of tables of more than ``WIDE`` columns twice. The area under the curve of all those
scores is 0.5 where it can but guess and 1 where it always knows. *Boosted*: scikit-learn's
``HistGradientBoostingClassifier`` with its defaults. *Linear*: logistic regression. ``judge_detection`` returns::

    rows      how many of each table were mixed
    boosted   {"fitted": figure, "holdout": figure}   against the rows fitted on, and against the hold-out
    linear    the same
    warning   sentence, or null: made rows that a model takes for the real ones too well are copies of them

Against the hold-out no honest method comes to 0.5: the *bootstrap* yardstick, fitted rows drawn with replacement, is
the best that can be hoped for. Against the fitted rows it is below 0.5, and so is a copy: rows that stand on both
sides are learned with one label and asked with the other. Under ``COPIED`` near-copies must be supposed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from generation.quality.judge.figures import Figure, Yardstick
from generation.quality.judge.frames import Floats, Frame
from generation.quality.judge.learning import (
    Separation,
    boosted_features,
    filled,
    folds,
    linear_features,
    one_thread,
    separation,
)
from generation.quality.judge.likeness import independent

#: Rows of each table that are mixed at most.
ROWS = 10_000
#: Made rows that are told from the fitted ones worse than this are too near to them.
COPIED = 0.48
#: Of fewer rows nothing is said.
FEWEST = 50

#: Tables of more columns are wide: of their yardsticks only two models learn, which takes two fifths of the time.
WIDE = 30

_FOLDS = 5
_FOLDS_OF_WIDE = 2

Detector = Callable[[Frame, Frame, np.random.Generator, int], Separation]


def judge_detection(fitted: Frame, holdout: Frame, made: Frame, *, rng: np.random.Generator) -> dict[str, Any]:
    """Say how well made rows are told from real ones. The shape is in this module's docstring."""
    rows = min(ROWS, fitted.rows, holdout.rows, made.rows)
    if rows < FEWEST or not fitted.columns:
        nothing = Figure(None, why=f"It takes {FEWEST} rows of each table and a column to compare.").as_json()
        both = {"fitted": nothing, "holdout": nothing}
        return {"rows": rows, "boosted": both, "linear": both, "warning": None}
    real, held, ours = (_drawn(frame, rows, rng) for frame in (fitted, holdout, made))
    again = real.take(rng.integers(0, rows, rows))
    others: dict[Yardstick, Frame] = {
        "holdout": held,
        "bootstrap": again,
        "copy": real,
        "independent": independent(real, rng),
    }
    boosted = _figure(boosted_detection, real, ours, others, rng)
    last: dict[Yardstick, Frame] = {"independent": others["independent"]}
    return {
        "rows": rows,
        "boosted": {
            "fitted": boosted.as_json(),
            "holdout": _figure(boosted_detection, held, ours, {"bootstrap": again}, rng).as_json(),
        },
        "linear": {
            "fitted": _figure(linear_detection, real, ours, {"holdout": held, **last}, rng).as_json(),
            "holdout": _figure(linear_detection, held, ours, {"bootstrap": again}, rng).as_json(),
        },
        "warning": _warning(boosted),
    }


def boosted_detection(real: Frame, made: Frame, rng: np.random.Generator, asked: int = _FOLDS) -> Separation:
    """Tell equally many rows of two frames apart by boosted trees; out of five folds, of which ``asked`` count."""
    (ours, categories), (theirs, _) = boosted_features(made), boosted_features(real)

    def score(features: Floats, is_made: NDArray[np.bool_], asked: Floats) -> Floats:
        model = HistGradientBoostingClassifier(
            categorical_features=categories, random_state=int(rng.integers(0, 1 << 31))
        )
        model.fit(filled(features, features), is_made)
        scores: Floats = model.predict_proba(filled(asked, features))[:, 1]
        return scores

    return _told_apart(theirs, ours, score, rng, asked)


def linear_detection(real: Frame, made: Frame, rng: np.random.Generator, asked: int = _FOLDS) -> Separation:
    """Tell equally many rows of two frames apart by logistic regression; likewise."""
    theirs, ours = linear_features([real, made])

    def score(features: Floats, is_made: NDArray[np.bool_], asked: Floats) -> Floats:
        scores: Floats = LogisticRegression(max_iter=200).fit(features, is_made).decision_function(asked)
        return scores

    return _told_apart(theirs, ours, score, rng, asked)


def _told_apart(
    real: Floats,
    made: Floats,
    score: Callable[[Floats, NDArray[np.bool_], Floats], Floats],
    rng: np.random.Generator,
    count: int,
) -> Separation:
    rows = min(len(real), len(made))
    features = np.vstack([real[:rows], made[:rows]])
    is_made = np.arange(2 * rows) >= rows
    fold, scores = folds(is_made, _FOLDS, rng), np.empty(2 * rows)
    for one in range(count):
        asked = fold == one
        with one_thread():
            scores[asked] = score(features[~asked], is_made[~asked], features[asked])
    told = fold < count
    return separation(scores[told], is_made[told])


def _figure(
    told: Detector, real: Frame, made: Frame, others: dict[Yardstick, Frame], rng: np.random.Generator
) -> Figure:
    found = told(real, made, rng, _FOLDS)
    beside = _FOLDS_OF_WIDE if len(real.columns) > WIDE else _FOLDS
    yardsticks = {name: told(real, other, rng, beside).area for name, other in others.items()}
    return Figure(found.area, (found.low, found.high), yardsticks)


def _drawn(frame: Frame, rows: int, rng: np.random.Generator) -> Frame:
    """Return so many rows of the frame, in an order by chance."""
    return frame.take(rng.permutation(frame.rows)[:rows])


def _warning(boosted: Figure) -> str | None:
    if boosted.value is None or boosted.interval is None or boosted.value >= COPIED or boosted.interval[1] >= 0.5:
        return None
    return (
        f"Made rows are told from the fitted ones worse than by guessing ({boosted.value:.3f} < {COPIED}): "
        "many of them must be copies, or nearly."
    )
