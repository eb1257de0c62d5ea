"""Exact relations between the columns of a table: found on a sample, shown to its owner, kept on every row made.

A library of its own, because whoever reads an upload finds them and whoever makes rows puts them right. One module a
kind of relation: ``sums``, ``products``, ``annuities``, ``parts`` (of numbers and dates), ``clocks`` and ``zones``,
``elapsed`` (time between moments), ``calendars``, ``orderings``; ``lookups`` are those of one code by another.
``columns`` holds the sample, ``finding`` goes through the kinds, ``putting`` through what was found.
"""

from generation.relations.columns import MOST_ROWS, Column, Sample, as_floats, evenly, kind_of, sample_of
from generation.relations.finding import find
from generation.relations.lookups import Lookup, find_lookups, lead_back, look_up
from generation.relations.putting import as_json, from_json, put_right
from generation.relations.relation import Drawn, Relation
from generation.relations.zones import ClockAcross

__all__ = [
    "MOST_ROWS",
    "ClockAcross",
    "Column",
    "Drawn",
    "Lookup",
    "Relation",
    "Sample",
    "as_floats",
    "as_json",
    "evenly",
    "find",
    "find_lookups",
    "from_json",
    "kind_of",
    "lead_back",
    "look_up",
    "put_right",
    "sample_of",
]
