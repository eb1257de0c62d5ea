"""All relations of a sample, in the order in which they are put right: nothing follows from what changes later."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from generation.relations.annuities import find_annuity
from generation.relations.calendars import find_day_of_month
from generation.relations.clocks import find_clock, find_clock_after
from generation.relations.columns import Column, Sample
from generation.relations.elapsed import find_elapsed
from generation.relations.orderings import find_orderings
from generation.relations.parts import find_part_of_date, find_quotient
from generation.relations.products import find_product
from generation.relations.relation import Relation
from generation.relations.sums import find_sum
from generation.relations.zones import find_clock_across

_FEW = 5  # distinct values: a term of fewer is a category


def find(sample: Sample, keep: Collection[str] = (), firm: Collection[str] = ()) -> list[Relation]:
    """Return the relations that hold in ``sample``, ready for ``put_right``; no column of ``keep`` is ever overwritten.

    None of ``firm`` makes up for what another column is to be; it may follow from others itself.

    A column follows from others once at most. Exact ones come before those that rounding explains.
    """
    search = _Search(sample, frozenset(keep), frozenset(firm))
    columns = sorted(sample.columns.values(), key=lambda one: (-(one.decimals or 0), -one.spread, one.name))
    for column in columns:
        search.add(find_clock(sample, column))
    # a day that is that of a date is no day of just any month
    for column in columns:
        if not search.is_taken(column):
            search.add(find_part_of_date(sample, column))
    for column in columns:
        if not search.is_taken(column):
            search.add(find_day_of_month(sample, column))
    for column in columns:
        if not search.is_taken(column):
            search.add(_part(search, column))
    for column in columns:
        if not search.is_taken(column):
            search.add(_formula(search, column))
    untouched = [one for one in columns if not search.is_taken(one) and not one.is_clock and one.name not in keep]
    for ordering in find_orderings(sample, [one for one in untouched if one.distinct > _FEW]):
        search.found.append(ordering)
    return search.in_order()


class _Search:
    """The relations found so far, and which columns they change."""

    def __init__(self, sample: Sample, keep: frozenset[str], firm: frozenset[str]) -> None:
        self.sample = sample
        self.keep = keep
        self.firm = firm
        self.found: list[Relation] = []

    def is_taken(self, column: Column) -> bool:
        """Whether a column is not to be overwritten (any more)."""
        return column.name in self.keep or any(column.name in one.changes for one in self.found if one.inputs)

    def fixed(self) -> frozenset[str]:
        """The names of what is not to make up for anything (any more)."""
        return self.keep | self.firm | {name for one in self.found if one.inputs for name in one.changes}

    def add(self, relation: Relation | None) -> None:
        if relation is not None:
            self.found.append(relation)

    def inputs_for(self, out: Column) -> list[Column]:
        """The columns that ``out`` may follow from: none that follows from it, directly or through others."""
        after = {out.name}
        grown = True
        while grown:
            more = {name for one in self.found if after & set(one.inputs) for name in one.changes} - after
            after |= more
            grown = bool(more)
        return [one for one in self.sample.columns.values() if one.name not in after and one.distinct > 1]

    def in_order(self) -> list[Relation]:
        """By rank, then so that nothing is put right before what it follows from."""
        ordered: list[Relation] = []
        left = sorted(self.found, key=lambda one: one.rank)
        while left:
            rank = left[0].rank
            ready = [one for one in left if one.rank == rank and not _waits(one, [r for r in left if r.rank == rank])]
            if not ready:
                left = [one for one in left if one.rank != rank]
                continue
            ordered += ready
            left = [one for one in left if one not in ready]
        return ordered


def _waits(relation: Relation, left: list[Relation]) -> bool:
    """Whether another relation that is left changes what this one follows from; orderings are in order already."""
    others = (one for one in left if one is not relation)
    return relation.rank > -1 and any(other.changes & set(relation.inputs) for other in others)


def _part(search: _Search, column: Column) -> Relation | None:
    sample, others = search.sample, search.inputs_for(column)
    clocks = [one for one in others if one.is_clock or one.kind == "time" or one.kind == "number"]
    return (
        find_clock_after(sample, column, clocks)
        or find_clock_across(sample, column, clocks)
        or find_elapsed(sample, column, others)
        or find_quotient(sample, column, others)
    )


def _formula(search: _Search, column: Column) -> Relation | None:
    """A sum, a product or an annuity, whichever holds on most rows; the simplest of those that hold on all."""
    if column.is_clock or column.distinct <= 3 * _FEW or column.kind == "time":
        return None
    best: Relation | None = None
    for found in _formulas(search, column):
        if best is None or found.share > best.share:
            best = found
        if best.share == 1:
            break
    return best


def _formulas(search: _Search, column: Column) -> Iterator[Relation]:
    others = [one for one in search.inputs_for(column) if not one.is_clock]
    many = [one for one in others if one.distinct > _FEW]
    if (found := find_sum(search.sample, column, many, search.fixed() | {column.name})) is not None:
        yield found
    if (product := find_product(search.sample, column, many)) is not None:
        yield product
    if (annuity := find_annuity(search.sample, column, others)) is not None:
        yield annuity
