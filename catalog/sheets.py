"""The data tab: of each configuration its rows or pictures, by pages, by a condition, in an order; and one row alone.

It shows what the calls of ``catalog.rows`` answer to the same reader. The first rows come from the preview, which is
there at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from django.urls import reverse

from catalog import pages, previews
from catalog.models import Version
from catalog.overlays import Drawn, Size, classes_of, drawn, objects_column, size_of
from catalog.pages import Cell, Column
from catalog.rows import answers, filters, pictures
from catalog.rows.access import Reach, splits
from catalog.rows.cells import json_value
from marketplace.web.problems import Fault, Problem
from marketplace.web.templatetags.units import thousands

_ROWS = 50
_PICTURES = 24
_LARGEST_OFFSET = 1 << 53
_VALUE_SHOWN = 2_000
_RARE = 0.2

Row = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """What a reader wants to see of one configuration; ``sort`` is a column, ``-column`` for the largest first."""

    config: str
    split: str
    offset: int = 0
    where: str = ""
    sort: str = ""

    @property
    def plain(self) -> bool:
        """Neither a condition nor an order: the rows as they are."""
        return not self.where and not self.sort

    def query(self, **changes: Any) -> str:
        """The address of this with ``changes``, within the page."""
        to = replace(self, **changes)
        said = {"config": to.config, "split": to.split, "where": to.where, "sort": to.sort, "offset": to.offset}
        return "?" + urlencode({name: value for name, value in said.items() if value}) + f"#table-{to.config}"


@dataclass(frozen=True)
class Head:
    """A column's head: what it is, and where a press on its name leads."""

    column: Column
    role: str
    sort: str
    sorted: str


@dataclass(frozen=True)
class Line:
    """A row of the sheet; ``hit`` marks one whose label is the rare one."""

    number: int
    address: str
    cells: Sequence[Cell]
    hit: bool


@dataclass(frozen=True)
class Shot:
    """A picture of the contact sheet, or the chosen one."""

    number: int
    address: str
    src: str
    caption: str
    size: Size
    drawn: Sequence[Drawn]


@dataclass(frozen=True)
class Sheet:
    """One configuration as the data tab shows it."""

    table: pages.TableSheet
    heading: str
    heads: Sequence[Head]
    lines: Sequence[Line]
    shots: Sequence[Shot]
    #: Classes of objects, and the number of their colour.
    classes: Sequence[tuple[str, int]]
    words: str
    previous: str
    next: str
    wanted: Wanted
    splits: Sequence[tuple[str, str]]
    faults: Sequence[Fault] = field(default_factory=tuple)


@dataclass(frozen=True)
class Value:
    """A value of a row alone: its column, and its text or its picture."""

    name: str
    description: str
    unit: str
    text: str
    src: str


@dataclass(frozen=True)
class Alone:
    """One row with its picture, its objects and all its values, and where its neighbours are."""

    number: int
    total: int
    config: str
    split: str
    shot: Shot | None
    objects: Sequence[Drawn]
    values: Sequence[Value]
    previous: str
    next: str
    back: str
    api: str
    limit: str


@dataclass(frozen=True)
class Look:
    """A version, how far its reader may go, the documents about it, and where its pages are."""

    reach: Reach
    base: str
    picture_base: str
    preview: Mapping[str, Any] | None
    statistics: Mapping[str, Any] | None

    @property
    def version(self) -> Version:
        """The version that is looked at."""
        return self.reach.version

    def counted(self, config: str) -> Mapping[str, Any] | None:
        """The statistics of a configuration."""
        found: Mapping[str, Any] | None = (self.statistics or {}).get("tables", {}).get(config)
        return found

    def first_rows(self, config: str) -> Mapping[str, Any] | None:
        """The preview of a configuration."""
        tables = (self.preview or {}).get("tables", [])
        return next((table for table in tables if table["name"] == config), None)

    def row_address(self, config: str, split: str, number: int) -> str:
        """The page of a row."""
        said = {}
        if (config, split) != splits(self.version)[0]:
            said = {"config": config, "split": split}
        return f"{self.base}/rows/{number}" + (f"?{urlencode(said)}" if said else "")

    def picture(self, config: str, split: str, column: str, number: int, value: Any) -> str:
        """Where a picture is: under its digest if the preview has it, else at the address of its cell."""
        if pages.is_picture(value):
            return f"{self.picture_base}{value['picture']}"
        return pictures.address(self.version, config, split, column, number)


def wanted_of(version: Version, asked: Mapping[str, str]) -> Wanted:
    """What ``asked`` wants to see; what is not there, or no number, is as if it were left out."""
    known = splits(version)
    config = asked.get("config", "")
    if config not in {of for of, _ in known}:
        config = known[0][0]
    first = next(split for of, split in known if of == config)
    split = asked.get("split", first)
    text = asked.get("offset", "0")
    offset = int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(_LARGEST_OFFSET)) else 0
    where, sort = asked.get("where", "").strip(), asked.get("sort", "").strip()
    return Wanted(config, split if (config, split) in known else first, offset, where, sort)


def sheets(look: Look, wanted: Wanted) -> list[Sheet]:
    """All configurations; ``wanted`` says what of one of them, of the others their first rows are shown."""
    known = splits(look.version)
    found = []
    for table in pages.sheets_of(look.version, None, look.statistics):
        first = next(split for of, split in known if of == table.name)
        found.append(_sheet(look, table, wanted if wanted.config == table.name else Wanted(table.name, first)))
    return found


def alone(look: Look, wanted: Wanted) -> Alone | None:
    """The row at ``wanted.offset``; ``None`` if there is none that may be read."""
    found = _plain_rows(look, wanted, 1)
    if not found.rows:
        return None
    number, values = found.rows[0]
    described = _described(look.version, wanted.config)
    shots = _shots(look, described, wanted, [(number, values)])
    objects = objects_column(described)
    told = shots[0].drawn if shots else drawn(values.get(objects), None, [])
    return Alone(
        number=number,
        total=found.total,
        config=wanted.config,
        split=wanted.split,
        shot=shots[0] if shots else None,
        objects=told,
        values=[
            _value(look, wanted, each, number, values) for each in described if each["name"] != objects or not told
        ],
        previous=look.row_address(wanted.config, wanted.split, number - 1) if number else "",
        next=look.row_address(wanted.config, wanted.split, number + 1) if number + 1 < found.total else "",
        back=f"{look.base}{wanted.query(offset=number - number % _PICTURES if shots else number - number % _ROWS)}",
        api=_api(look, wanted),
        limit=look.reach.limit(),
    )


def _value(look: Look, wanted: Wanted, told: Mapping[str, Any], number: int, values: Mapping[str, Any]) -> Value:
    name = told["name"]
    value = values.get(name)
    if told.get("media"):
        shown = told["media"] in pictures.SHOWN and (name not in values or pages.is_picture(value))
        src = look.picture(wanted.config, wanted.split, name, number, value) if shown else ""
        return Value(name, told.get("description") or "", told.get("unit") or "", "", src)
    plain = json_value(value)
    text = json.dumps(plain, ensure_ascii=False) if isinstance(plain, list | dict) else pages.cell(plain, "").text
    if isinstance(plain, str):
        text = plain
    return Value(name, told.get("description") or "", told.get("unit") or "", text[:_VALUE_SHOWN], "")


def _api(look: Look, wanted: Wanted) -> str:
    dataset = look.version.dataset
    named = [dataset.account.slug, dataset.name, look.version.number]
    said = {"config": wanted.config, "split": wanted.split, "offset": wanted.offset, "length": 1}
    return f"{reverse('catalog:api-version-rows', args=named)}?{urlencode(said)}"


def _sheet(look: Look, table: pages.TableSheet, wanted: Wanted) -> Sheet:
    described = _described(look.version, wanted.config)
    pictured = bool(_picture_column(described))
    size = _PICTURES if pictured else _ROWS
    faults: Sequence[Fault] = ()
    try:
        found = _plain_rows(look, wanted, size) if wanted.plain else _filtered_rows(look, wanted, size)
    except Problem as problem:
        faults = problem.faults or (Fault("where", f"{problem.title}.", problem.detail, "problem"),)
        found = answers.Found(pa.schema([]), [], [], 0)
    names = [column.name for column in table.columns]
    types = {column["name"]: column["type"] for column in described}
    rare = _rare(described, look.counted(wanted.config))
    lines = [
        Line(
            number,
            look.row_address(wanted.config, wanted.split, number),
            [pages.cell(previews.plain(values.get(name)), types[name]) for name in names],
            any(values.get(name) is value for name, value in rare),
        )
        for number, values in found.rows
    ]
    last = wanted.offset + len(found.rows)
    return Sheet(
        table=table,
        heading=_heading(look.version, table, pictured=pictured),
        heads=[_head(column, described, wanted) for column in table.columns],
        lines=lines,
        shots=_shots(look, described, wanted, found.rows),
        classes=_classes(look, described, wanted.config),
        words="" if faults else _words(look, wanted, found),
        previous=wanted.query(offset=max(0, wanted.offset - size)) if wanted.offset else "",
        next=wanted.query(offset=last) if found.rows and last < found.total else "",
        wanted=wanted,
        splits=[(split, wanted.query(split=split, offset=0)) for of, split in splits(look.version) if of == table.name],
        faults=faults,
    )


def _plain_rows(look: Look, wanted: Wanted, size: int) -> answers.Found:
    """Rows as they are: of the preview if it has them, else read from the files."""
    first = look.first_rows(wanted.config)
    if first is not None and first["split"] == wanted.split:
        names = [column["name"] for column in first["columns"]]
        held = [dict(zip(names, row, strict=True)) for row in first["rows"][wanted.offset : wanted.offset + size]]
        total = look.reach.rows(wanted.config, wanted.split)
        if len(held) == min(size, max(0, total - wanted.offset)):
            return answers.Found(pa.schema([]), names, list(enumerate(held, start=wanted.offset)), total)
    elif wanted.offset == 0 and look.preview is None:
        return answers.Found(pa.schema([]), [], [], 0)  # it is being made, and the page says so
    return answers.read(look.reach, wanted.config, wanted.split, offset=wanted.offset, length=size)


def _filtered_rows(look: Look, wanted: Wanted, size: int) -> answers.Found:
    return filters.find(
        look.reach,
        wanted.config,
        wanted.split,
        where=wanted.where,
        order=wanted.sort,
        offset=wanted.offset,
        length=size,
    )


def _words(look: Look, wanted: Wanted, found: answers.Found) -> str:
    """How many of how many rows are shown, and of what."""
    if not found.rows:
        return "" if wanted.plain else "No row of the free sample is like that."
    first, last = found.rows[0][0], found.rows[-1][0]
    if not wanted.plain:
        sample = look.reach.version.files.of_split(wanted.config, wanted.split).filter(sample=True).first()
        of = 0 if sample is None else sample.rows
        to = wanted.offset + len(found.rows)
        end = "largest" if wanted.sort.startswith("-") else "smallest"
        by = f", {wanted.sort.removeprefix('-')} {end} first" if wanted.sort else ""
        which = f"{thousands(found.total)} of the {thousands(of)} rows of the free sample{by}"
        return f"{which}; {thousands(wanted.offset + 1)} to {thousands(to)} are shown."
    words = f"Rows {thousands(first)} to {thousands(last)} of {thousands(found.total)}"
    if look.reach.full:
        return f"{words}."
    whole = look.reach.rows_in_all(wanted.config, wanted.split)
    return f"{words} in the free sample; {thousands(whole)} in all with a licence."


def _heading(version: Version, table: pages.TableSheet, *, pictured: bool) -> str:
    words = f"{thousands(table.rows)} {'pictures' if pictured else 'rows'}"
    return words if len(version.layout["tables"]) == 1 else f"{table.name}: {words}"


def _rare(described: Sequence[Mapping[str, Any]], counted: Mapping[str, Any] | None) -> list[tuple[str, bool]]:
    """The labels that are true or false, and which of the two is rare."""
    labels = {c["name"] for c in described if c.get("role") == "label" and c["type"] == "bool"}
    found = []
    for column in (counted or {}).get("columns", []):
        if column["name"] in labels and column.get("values"):
            least = min(column["values"], key=lambda one: one["count"])
            if least["count"] < _RARE * column["count"]:
                found.append((column["name"], least["value"]))
    return found


def _described(version: Version, config: str) -> list[Mapping[str, Any]]:
    return next(table["schema"] for table in version.layout["tables"] if table["name"] == config)


def _head(column: Column, described: Sequence[Mapping[str, Any]], wanted: Wanted) -> Head:
    told = next(each for each in described if each["name"] == column.name)
    role = told.get("role") or ""
    can = not told["type"].startswith(("list<", "large_list<", "fixed_size_list<", "struct<", "binary", "large_binary"))
    up = wanted.sort == column.name
    down = wanted.sort == f"-{column.name}"
    to = f"-{column.name}" if up else "" if down else column.name
    return Head(
        column,
        role if role not in ("feature", "measure") else "",
        wanted.query(sort=to, offset=0) if can else "",
        "ascending" if up else "descending" if down else "",
    )


def _picture_column(described: Sequence[Mapping[str, Any]]) -> str:
    """The column of pictures that is shown: not a label's."""
    names = [c["name"] for c in described if c.get("media") in pictures.SHOWN and c.get("role") != "label"]
    return "image" if "image" in names else next(iter(names), "")


def _classes(look: Look, described: Sequence[Mapping[str, Any]], config: str) -> list[tuple[str, int]]:
    named = sorted(classes_of(look.counted(config), objects_column(described)))
    return [(name, place if place <= 5 else 0) for place, name in enumerate(named, start=1)]


def _shots(look: Look, described: Sequence[Mapping[str, Any]], wanted: Wanted, rows: Sequence[Row]) -> list[Shot]:
    column = _picture_column(described)
    if not column:
        return []
    objects = objects_column(described)
    counted = look.counted(wanted.config)
    size = size_of(counted, column)
    classes = [name for name, _ in _classes(look, described, wanted.config)]
    shots = []
    for number, values in rows:
        if column in values and not pages.is_picture(values[column]):
            continue  # the preview says that the cell is empty
        found = drawn(values.get(objects), size, classes) if size is not None else []
        caption = pages.classes(values.get(objects)) if objects else ""
        src = look.picture(wanted.config, wanted.split, column, number, values.get(column))
        address = look.row_address(wanted.config, wanted.split, number)
        shots.append(Shot(number, address, src, caption, size or Size(256, 256), found))
    return shots
