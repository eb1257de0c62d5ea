"""What was planted in simulated data: which column holds the answer, how much of what, and which columns tell of it.

An answer key whose member ``planted`` is a list of these, each ``as_json``, is checked by the platform: what they say
is compared with the rows made, and the quality report tells what of it a plain model recovers. It tells everybody:
counts, scores, how many columns were named, but not which, and nothing of what else stands in the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from generation.sdk.contract import Json

#: The member of an answer key that holds what was planted.
PLANTED = "planted"


@dataclass(frozen=True)
class Cause:
    """What was planted under one value of the column that holds the answer; ``true`` or ``false`` for booleans.

    ``rows`` is how many of the table's rows have it in all, exactly; ``share`` is what may be expected where it is left
    to chance row by row; neither where the settings do not fix it. ``columns`` are those that tell of it.
    """

    value: str
    rows: int | None = None
    share: float | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planted:
    """What was planted in ``table``, by the values of its text or boolean ``column``.

    ``nothing`` are the values of rows in which nothing was planted; an empty cell is always one. ``gives_away`` are
    columns that hold the answer too, so that no model is shown them. Rows with the same ``unit``, a column, hang
    together: of none a model sees some and is asked of others.
    """

    table: str
    column: str
    causes: tuple[Cause, ...]
    nothing: tuple[str, ...] = ()
    gives_away: tuple[str, ...] = ()
    unit: str | None = None

    def as_json(self) -> Mapping[str, Json]:
        """As the answer key holds it."""
        return asdict(self)


def planted_json(planted: Iterable[Planted]) -> Mapping[str, Json]:
    """The part of an answer key that says what was planted."""
    return {PLANTED: [one.as_json() for one in planted]}
