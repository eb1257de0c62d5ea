"""The types of columns as a layout writes them (Arrow's own words), read back into parts.

``list<item: struct<category: string not null, area: int32>>`` is a list of records of two members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Scalar:
    """A type without members, by Arrow's name: ``int64``, ``double``, ``timestamp[us, tz=UTC]``."""

    name: str


@dataclass(frozen=True)
class ListOf:
    """Values of one type; ``length`` is 0 where it varies, ``large`` tells how their number is stored."""

    item: ColumnType
    length: int = 0
    large: bool = False


@dataclass(frozen=True)
class Record:
    """Named members."""

    members: Mapping[str, ColumnType] = field(default_factory=dict)


ColumnType: TypeAlias = Scalar | ListOf | Record

#: How a picture is stored.
PICTURE = Record({"bytes": Scalar("binary"), "path": Scalar("string")})


def parse(words: str) -> ColumnType:
    """Read a type. Raises ValueError for words that are none, such as a member whose name holds brackets."""
    words = words.removesuffix(" not null").strip()
    outer, bracket, inner = words.partition("<")
    if not bracket:
        if not words or set(words) & set("<>"):
            raise ValueError(f"{words!r} is no type of a column")
        return Scalar(words)
    inner, closed, rest = inner.rpartition(">")
    length = rest.removeprefix("[").removesuffix("]")
    if not closed or (rest and not (outer == "fixed_size_list" and length.isdecimal())):
        raise ValueError(f"{words!r} is no type of a column")
    members = dict(_member(part) for part in _parts(inner))
    if outer == "struct":
        return Record(members)
    if outer in {"list", "large_list", "fixed_size_list"} and len(members) == 1:
        return ListOf(next(iter(members.values())), length=int(length or 0), large=outer == "large_list")
    raise ValueError(f"{words!r} is no type of a column")


def _member(part: str) -> tuple[str, ColumnType]:
    name, colon, words = part.partition(": ")
    if not colon:
        raise ValueError(f"{part!r} is no member with a type")
    return name.strip(), parse(words)


def _parts(inner: str) -> list[str]:
    """``inner`` cut at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for character in inner:
        depth += (character in "<[(") - (character in ">])")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
