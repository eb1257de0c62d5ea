"""Putting drawn rows right, and relations as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from generation.relations.annuities import Annuity
from generation.relations.calendars import DayOfMonth
from generation.relations.clocks import Clock, ClockAfter
from generation.relations.columns import Words
from generation.relations.elapsed import Elapsed
from generation.relations.orderings import Ordering
from generation.relations.parts import PartOfDate, Quotient
from generation.relations.products import Product
from generation.relations.relation import Drawn, Relation
from generation.relations.sums import Sum
from generation.relations.zones import ClockAcross

_Clocks = Clock | ClockAfter | ClockAcross
AnyRelation = Annotated[
    Sum | Product | Annuity | Quotient | PartOfDate | _Clocks | Elapsed | DayOfMonth | Ordering,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[list[AnyRelation]] = TypeAdapter(list[AnyRelation])


def put_right(found: Sequence[Relation], drawn: Drawn, words: Mapping[str, Words]) -> None:
    """Make every drawn row keep the relations of ``found``, in their order.

    ``drawn`` are columns by name in the units of ``relations.columns``, changed in place by replacing members; a
    relation that names a column which is not there is left out. ``words`` are the random words of each column: a
    relation takes what it needs from those of the column that it overwrites, so a row hangs on its own words alone.
    """
    there = [one for one in found if set(one.columns) <= drawn.keys()]
    orderings = [one for one in there if isinstance(one, Ordering)]
    for one in there:
        if one.rank < Ordering.rank:
            one.put_right(drawn, words)
    for _ in orderings:
        for one in orderings:
            one.put_right(drawn, words)
    for one in there:
        if one.rank > Ordering.rank:
            one.put_right(drawn, words)


def as_json(found: Sequence[Relation]) -> list[dict[str, Any]]:
    """The relations as JSON, for a fitted state."""
    return [one.model_dump(mode="json") for one in found]


def from_json(value: Any) -> list[Relation]:
    """The relations that ``as_json`` wrote. Raises ``pydantic.ValidationError`` for anything else."""
    return list(_ADAPTER.validate_python(value))
