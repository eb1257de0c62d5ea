"""How good the rows are that a synthesizer made: the judge's measures, on all rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from generation.quality.judge.detection import boosted_detection
from generation.quality.judge.frames import Frame, frames
from generation.quality.judge.likeness import overall
from generation.quality.judge.privacy.closest import closest
from generation.quality.judge.privacy.distance import Space
from generation.quality.judge.privacy.matches import copies
from generation.quality.judge.usefulness import choose_target, target_of, taught
from tests.bench.tabular.tables import Halves

#: Made rows that look for their closest record.
_QUERIES = 6_000


@dataclass(frozen=True)
class Quality:
    """Figures of one run; ``exact`` counts made rows that equal a fitted one, ``exact_holdout`` withheld ones."""

    likeness: float
    detection: float
    detection_holdout: float
    bootstrap: float
    bootstrap_holdout: float
    taught: float
    closer: float
    exact: float
    exact_holdout: float


def measured(split: Halves, made: pa.Table, seed: int) -> Quality:
    """Judge made rows by the half that was learned from and the one that was withheld."""
    rng = np.random.default_rng(seed)
    names = [field.name for field in split.fitted.schema if field.name in made.column_names and _compared(field)]
    schema = pa.schema([split.fitted.schema.field(name) for name in names])
    fitted, holdout, ours = frames(*(table.select(names).cast(schema) for table in (split.fitted, split.holdout, made)))
    again = fitted.take(rng.integers(0, fitted.rows, fitted.rows))
    asked = ours.take(rng.permutation(ours.rows)[:_QUERIES])
    rows = min(fitted.rows, holdout.rows)
    space = Space(fitted)
    real, held = (space.place(frame.take(rng.permutation(frame.rows)[:rows])) for frame in (fitted, holdout))
    return Quality(
        likeness=overall(fitted, ours),
        detection=boosted_detection(fitted, ours, rng).area,
        detection_holdout=boosted_detection(holdout, ours, rng).area,
        bootstrap=boosted_detection(fitted, again, rng).area,
        bootstrap_holdout=boosted_detection(holdout, again, rng).area,
        taught=_taught(fitted, holdout, ours, split.target, rng),
        closer=closest(real, held, space.place(asked)).share,
        exact=copies(fitted, holdout, ours).share * ours.rows,
        exact_holdout=copies(fitted, holdout, holdout).share * holdout.rows,
    )


def _compared(field: pa.Field) -> bool:
    """Keys are made anew and longer texts are not made by all."""
    return (field.metadata or {}).get(b"kind") not in (b"key", b"text")


def _taught(fitted: Frame, holdout: Frame, made: Frame, name: str | None, rng: np.random.Generator) -> float:
    """What a model that learned from made rows scores on withheld ones, over one that learned from real rows."""
    target = choose_target(fitted, rng) if name is None else target_of(fitted, name)
    if target is None:
        return float("nan")
    seed = int(rng.integers(0, 1 << 31))
    scores = [taught(target, rows, holdout, seed=seed) for rows in (made, fitted)]
    return scores[0] / scores[1]
