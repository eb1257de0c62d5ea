"""A web form made from the JSON Schema of a generator's ``Parameters``, and what was posted read back as a JSON value.

``SchemaForm(schema).filled()`` is the form with its defaults, ``.posted(request.POST)`` the form as it was sent: its
``value`` for whoever uses it, its ``faults``, every field with what was typed. ``web/schema_form.html`` shows either.

A schema may come from a stranger: what has no control of its own here is a box for JSON, never an error.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from marketplace.web.problems import Fault
from marketplace.web.schema_faults import LARGEST_INTEGER, Json, faults
from marketplace.web.schema_fields import Field, Numeric, fields_of, resolved, without_null

_ABSENT: Final = object()
_WHOLE = re.compile(r"[+-]?(\d{1,3}([, \u00a0\u2009\u202f]\d{3})+|\d{1,300})\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d{1,3}(,\d{3})+(\.\d*)?|\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\Z", re.ASCII)
_GROUPING = re.compile(r"[, \u00a0\u2009\u202f]")


@dataclass(frozen=True)
class Choice:
    """One thing to choose: the text that is posted, the words shown, and whether it is chosen."""

    text: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class BoundField:
    """A field with what was typed into it and what is wrong with that; what ``web/schema_field.html`` shows."""

    field: Field
    text: str
    chosen: bool
    choices: tuple[Choice, ...]
    parts: tuple[BoundField, ...]
    error: str

    @property
    def wrong(self) -> bool:
        """Whether the field itself, or one of the numbers that make it up, is at fault."""
        return bool(self.error) or (self.field.kind == "figures" and any(part.error for part in self.parts))

    @property
    def decided(self) -> bool:
        """Whether one of the choices is chosen."""
        return any(choice.chosen for choice in self.choices)

    @property
    def described_by(self) -> str:
        """The ids of the hint and the error, for ``aria-describedby``."""
        ids = [f"{self.field.id}-hint"] if self.field.hint else []
        return " ".join([*ids, f"{self.field.id}-error"] if self.error else ids)


@dataclass(frozen=True)
class Wrong:
    """One line of the summary: the control to go to (empty for the whole form), its label, the sentence."""

    id: str
    label: str
    sentence: str


@dataclass(frozen=True)
class BoundForm:
    """A form with what was typed: the JSON ``value`` read from it (defaults filled in) and all ``faults`` of that."""

    form: SchemaForm
    data: QueryDict
    value: Json
    faults: tuple[Fault, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing needs a change."""
        return not self.faults

    @property
    def fields(self) -> tuple[BoundField, ...]:
        """The fields in the schema's order, each with what was typed and its error."""
        placed = self._placed()
        return tuple(_bound(field, self.data, placed) for field in self.form.fields)

    @property
    def summary(self) -> list[Wrong]:
        """Everything that needs a change, in the order of the page; what belongs to no field comes first."""
        placed = self._placed()
        general = [Wrong("", fault.field, _sentence(fault)) for fault in placed.get("", [])]
        return general + [
            Wrong(_first_control(field), _full_label(field, owner), _sentence(fault))
            for field, owner in _walk(self.form.fields)
            for fault in placed.get(_dotted(field.path), [])
        ]

    def with_faults(self, more: Iterable[Fault]) -> BoundForm:
        """The same form with faults that the schema cannot know, such as a generator's own rules across fields."""
        return replace(self, faults=(*self.faults, *more))

    def _placed(self) -> dict[str, list[Fault]]:
        """The faults by the path of the nearest field that shows them; "" holds those that no field shows."""
        known = {_dotted(field.path) for field, _ in _walk(self.form.fields)}
        placed: dict[str, list[Fault]] = {}
        for fault in self.faults:
            steps = fault.field.split(".")
            nearest = next((path for n in range(len(steps), 0, -1) if (path := ".".join(steps[:n])) in known), "")
            placed.setdefault(nearest, []).append(fault)
        return placed


class SchemaForm:
    """The form of a JSON Schema of an object. ``prefix`` goes before the names of its controls, so that it may share a
    ``<form>`` with others. Raises ValueError for what is not the JSON Schema of an object."""

    def __init__(self, schema: Mapping[str, Any], *, prefix: str = "") -> None:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"this is not a JSON Schema: {error.message}") from error
        whole = resolved(schema, schema)
        if whole.get("type") != "object":
            raise ValueError("a form is made from the schema of an object")
        self.schema = schema
        self.prefix = prefix
        self.fields = fields_of(whole, schema, (), prefix)

    def filled(self, value: Mapping[str, Json] | None = None) -> BoundForm:
        """The form with ``value``, or with the schema's defaults; nothing in it counts as wrong yet."""
        shown = completed(self.schema, value or {})
        return BoundForm(self, self.encode(shown), shown, ())

    def posted(self, data: QueryDict) -> BoundForm:
        """The form as it was sent. Whatever was sent, this raises nothing: what cannot be read is a fault."""
        unread: list[Fault] = []
        read = {field.path[-1]: value for field in self.fields if (value := _read(field, data, unread)) is not _ABSENT}
        value = completed(self.schema, read)
        places = {fault.field for fault in unread}
        wrong = [fault for fault in faults(self.schema, value) if fault.field not in places]
        return BoundForm(self, data, value, (*unread, *wrong))

    def labelled(self, value: Mapping[str, Json]) -> list[tuple[str, Json]]:
        """The settings of ``value`` by the labels of their controls, in the order of the form."""
        labels = {field.path[-1]: field.label for field in self.fields}
        names = [name for name in labels if name in value]
        names += [name for name in value if name not in labels]
        return [(labels.get(name, name), value[name]) for name in names]

    def encode(self, value: Mapping[str, Json]) -> QueryDict:
        """What a browser would send for ``value``: the other direction of ``posted``."""
        data = QueryDict(mutable=True)
        for field in self.fields:
            for name, text in _written(field, value.get(field.path[-1], _ABSENT)):
                data.appendlist(name, text)
        return data


def completed(schema: Mapping[str, Any], value: Mapping[str, Json]) -> dict[str, Json]:
    """``value`` with the schema's defaults in the places that it leaves out, so that a recipe records every setting."""
    whole = resolved(schema, schema)
    result = dict(value)
    for name, raw in whole.get("properties", {}).items():
        inner, _ = without_null(resolved(raw, schema), schema)
        if name in result:
            given = result[name]
            if isinstance(given, Mapping) and "properties" in inner:
                result[name] = completed({**inner, "$defs": schema.get("$defs", {})}, given)
        elif "default" in inner:
            result[name] = inner["default"]
    return result


# ── from what was posted to a value, and back ──


def _read(field: Field, data: QueryDict, unread: list[Fault]) -> Any:
    """The JSON value of ``field`` in ``data``, or _ABSENT. What cannot be read stays as typed: ``faults`` names it."""
    empty = None if field.nullable else _ABSENT
    text = _typed(data.get(field.name))
    match field.kind:
        case "tick":
            if field.nullable:
                return {"true": True, "false": False, "": None}.get(text, text)
            return field.name in data
        case "ticks":
            chosen = [_typed(item) for item in data.getlist(field.name)]
            values = [value for shown, _, value in field.choices if shown in chosen]
            unknown = [item for item in chosen if item not in {shown for shown, _, _ in field.choices}]
            return [*values, *unknown] or (None if field.nullable else [])
        case "choice":
            known = {shown: value for shown, _, value in field.choices}
            return known.get(text, text) if text else empty
        case "figure":
            return _number(text, field.numeric) if text.strip() else empty
        case "figures":
            values = [_number(_typed(data.get(part.name)), part.numeric) for part in field.parts]
            return values if any(value != "" for value in values) else empty
        case "list":
            return _read_list(field, text)
        case "group":
            return _read_group(field, data, unread)
        case "json":
            return _read_json(field, text, unread) if text.strip() else empty
    if field.kind == "date":
        return text.strip() or empty
    return text if text or (field.name in data and not field.nullable) else empty


def _read_list(field: Field, text: str) -> Json:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines and field.nullable:
        return None
    return [_number(line, field.numeric) if field.numeric else line for line in lines]


def _read_group(field: Field, data: QueryDict, unread: list[Fault]) -> Any:
    if field.nullable and f"{field.name}:given" not in data:
        return None
    return {part.path[-1]: value for part in field.parts if (value := _read(part, data, unread)) is not _ABSENT}


def _read_json(field: Field, text: str, unread: list[Fault]) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        remedy = "Write it with double quotes, and with a closing bracket for each opening one."
        unread.append(Fault(_dotted(field.path), "This is not JSON.", remedy, "json"))
        return _ABSENT


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _typed(text: str | None) -> str:
    """What was typed, with plain line ends, in one form of Unicode: no digest of a recipe may hang on the keyboard."""
    return unicodedata.normalize("NFC", text or "").replace("\r\n", "\n").replace("\r", "\n")


def _number(text: str, numeric: Numeric) -> Json:
    """The number that ``text`` says, with or without thousands set apart; else ``text`` itself, trimmed."""
    trimmed, whole = text.strip(), numeric == "integer"
    if whole and _WHOLE.match(trimmed):
        return int(_GROUPING.sub("", trimmed))
    if not (_DECIMAL.match(trimmed) or _WHOLE.match(trimmed)):
        return trimmed
    number = float(_GROUPING.sub("", trimmed))
    if not math.isfinite(number):
        return trimmed
    return int(number) if whole and number.is_integer() and abs(number) <= LARGEST_INTEGER else number


def _written(field: Field, value: Any) -> Iterator[tuple[str, str]]:
    """The (name, text) pairs that a browser sends for ``value``; nothing for what is not there.

    Nor for what the field cannot hold: a value that is taken up again may come from another version of the schema.
    """
    if value is _ABSENT or (value is None and field.kind != "json") or not _held(field, value):
        return
    match field.kind:
        case "tick":
            if field.nullable:
                yield field.name, "true" if value else "false"
            elif value:
                yield field.name, "on"
        case "ticks":
            yield from ((field.name, shown) for shown, _, known in field.choices if known in value)
        case "choice":
            yield from ((field.name, shown) for shown, _, known in field.choices if _same(known, value))
        case "figures":
            for part, item in zip(field.parts, value, strict=False):
                yield part.name, _figure(item)
        case "group":
            yield from ([(f"{field.name}:given", "on")] if field.nullable else [])
            for part in field.parts:
                yield from _written(part, value.get(part.path[-1], _ABSENT))
        case "list":
            yield field.name, "\n".join(_figure(item) for item in value)
        case "json":
            if value is not None or not field.nullable:
                yield field.name, json.dumps(value, ensure_ascii=False, indent=2)
        case _:
            yield field.name, _figure(value)


def _held(field: Field, value: Json) -> bool:
    """Whether a value is of a type that the controls of ``field`` can show."""
    many = isinstance(value, Sequence) and not isinstance(value, str)
    match field.kind:
        case "ticks" | "figures" | "list":
            return many
        case "group":
            return isinstance(value, Mapping)
        case "tick":
            return isinstance(value, bool)
        case "choice" | "json":
            return True
    return not many and not isinstance(value, Mapping)


def _figure(value: Json) -> str:
    """A number as a control holds it: no thousands, no ``.0``; text as it is."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_INTEGER:
        return str(int(value))
    return str(value)


def _same(one: Json, other: Json) -> bool:
    """Equal and of one JSON type: 1 is not true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


# ── for the page ──


def _bound(field: Field, data: QueryDict, placed: Mapping[str, Sequence[Fault]]) -> BoundField:
    sent = [_typed(text) for text in data.getlist(field.name)]
    choices = field.choices
    if field.kind == "tick" and field.nullable:
        choices = (("true", "yes", True), ("false", "no", False))
    return BoundField(
        field=field,
        text=sent[-1] if sent else "",
        chosen=(f"{field.name}:given" if field.kind == "group" else field.name) in data,
        choices=tuple(Choice(text, words, text in sent) for text, words, _ in choices),
        parts=tuple(_bound(part, data, placed) for part in field.parts),
        error=" ".join(_sentence(fault) for fault in placed.get(_dotted(field.path), [])),
    )


def _walk(fields: Iterable[Field], owner: Field | None = None) -> Iterator[tuple[Field, Field | None]]:
    """Every field with the field that it is a part of."""
    for field in fields:
        yield field, owner
        yield from _walk(field.parts, field)


def _full_label(field: Field, owner: Field | None) -> str:
    """The label as it reads away from its place: "Light elevation, to"."""
    return f"{owner.label}, {field.label[:1].lower()}{field.label[1:]}" if owner else field.label


def _dotted(path: Sequence[str]) -> str:
    return ".".join(path)


def _first_control(field: Field) -> str:
    """The id that a link of the summary leads to: a set of controls is reached at its first."""
    if field.kind == "ticks" and field.choices:
        return f"{field.id}-1"
    return field.parts[0].id if field.kind == "figures" else field.id


def _sentence(fault: Fault) -> str:
    return f"{fault.message} {fault.remedy}"
