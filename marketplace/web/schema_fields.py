"""The settings that a JSON Schema describes, as the fields of a form: their kinds, labels, hints and choices.

The schemas are those that pydantic makes. What has no control of its own becomes a box for JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from marketplace.web.schema_faults import Json, quoted

#: figure: a number. text, date, lines (long text). choice: one of several. tick: yes or no. ticks: several of several.
#: figures: a fixed count of numbers. list: a value a line. group: named fields. json: anything else.
Kind = Literal["figure", "text", "date", "lines", "choice", "tick", "ticks", "figures", "list", "group", "json"]
Numeric = Literal["integer", "number", ""]

_DEEPEST_GROUP = 2
_MOST_FIGURES = 4
_LONG_TEXT = 200
_NUMERIC: Mapping[Any, Numeric] = {"integer": "integer", "number": "number"}


@dataclass(frozen=True)
class Field:
    """One setting as the schema describes it.

    ``path`` is its place in the value, ``name`` the name of its control. ``hint`` says the limits after the
    description. A ``nullable`` field may be left empty. ``numeric`` tells what numbers it holds, if any. ``choices``
    are (text posted, words shown, value); ``parts`` the fields of a group, or the numbers of ``figures``.
    """

    path: tuple[str, ...]
    name: str
    id: str
    kind: Kind
    label: str
    hint: str
    unit: str
    required: bool
    nullable: bool
    numeric: Numeric
    choices: tuple[tuple[str, str, Json], ...] = ()
    parts: tuple[Field, ...] = ()


def resolved(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` with its local ``$ref`` (or sole ``allOf``) merged under its own words; {} where it leads nowhere."""
    found = dict(schema) if isinstance(schema, Mapping) else {}
    for _ in range(16):
        if isinstance(found.get("allOf"), list) and len(found["allOf"]) == 1:
            target: Any = found.pop("allOf")[0]
        elif isinstance(found.get("$ref"), str):
            target = _at(found.pop("$ref"), root)
        else:
            return found
        found = {**(target if isinstance(target, Mapping) else {}), **found}
    return {}


def _at(reference: str, root: Mapping[str, Any]) -> Any:
    place: Any = root
    for step in reference.removeprefix("#/").split("/"):
        place = place.get(step) if isinstance(place, Mapping) else None
    return place


def without_null(schema: dict[str, Any], root: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema of the value itself, and whether null may stand for it."""
    for rule in ("anyOf", "oneOf"):
        branches = schema.get(rule)
        if isinstance(branches, list):
            others = [branch for branch in branches if branch != {"type": "null"}]
            if len(others) < len(branches) and len(others) == 1:
                own = {name: words for name, words in schema.items() if name != rule}
                return {**resolved(others[0], root), **own}, True
    if isinstance(schema.get("type"), list) and "null" in schema["type"] and len(schema["type"]) == 2:
        return {**schema, "type": next(kind for kind in schema["type"] if kind != "null")}, True
    if isinstance(schema.get("enum"), list) and None in schema["enum"]:
        return {**schema, "enum": [value for value in schema["enum"] if value is not None]}, True
    return schema, False


def fields_of(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...], prefix: str
) -> tuple[Field, ...]:
    """The fields of the object that ``schema`` describes, at ``path`` of the value; ``root`` has its ``$defs``."""
    required = schema.get("required", [])
    return tuple(
        _field(raw, root, (*path, name), prefix, required=name in required)
        for name, raw in schema.get("properties", {}).items()
    )


def _field(raw: Any, root: Mapping[str, Any], path: tuple[str, ...], prefix: str, *, required: bool) -> Field:
    schema, nullable = without_null(resolved(raw, root), root)
    kind = _kind(schema, root, len(path))
    name = ".".join([*([prefix] if prefix else []), *(quote(step, safe="").replace(".", "%2E") for step in path)])
    of_one = resolved(schema.get("items"), root) if kind in {"list", "ticks"} else schema
    parts: tuple[Field, ...] = ()
    if kind == "group":
        parts = fields_of(schema, root, path, prefix)
    elif kind == "figures":
        parts = _parts(schema, root, path, prefix)
    return Field(
        path=path,
        name=name,
        id="f-" + re.sub(r"[^A-Za-z0-9_-]", "-", name),
        kind=kind,
        label=_label(schema, path[-1]),
        hint=_hint(schema, kind, required=required),
        unit=str(schema.get("unit", "")),
        required=required and not nullable,
        nullable=nullable,
        numeric=_NUMERIC.get(of_one.get("type"), ""),
        choices=_choices(of_one) if kind in {"choice", "ticks"} else (),
        parts=parts,
    )


def _label(schema: Mapping[str, Any], name: str) -> str:
    """The title that the author gave; else the name as words, where pydantic would write Every Word Large."""
    title = str(schema.get("title", "")).strip()
    made_by_pydantic = name.title().replace("_", " ").strip()
    return title if title and title != made_by_pydantic else name.replace("_", " ").strip().capitalize()


def _kind(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Kind:
    if "enum" in schema or "const" in schema or schema.get("type") == "boolean":
        return "tick" if "enum" not in schema and "const" not in schema else "choice"
    match schema.get("type"):
        case "integer" | "number":
            return "figure"
        case "string":
            long = schema.get("maxLength", 0) > _LONG_TEXT
            return "date" if schema.get("format") == "date" else "lines" if long else "text"
        case "array":
            return _kind_of_array(schema, root)
        case "object" if (
            schema.get("properties") and not schema.get("additionalProperties") and depth <= _DEEPEST_GROUP
        ):
            return "group"
    return "json"


def _kind_of_array(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Kind:
    if "prefixItems" in schema:
        items = [resolved(item, root) for item in schema["prefixItems"]]
        fixed = schema.get("minItems") == schema.get("maxItems") == len(items)
    else:
        count = schema.get("minItems") if schema.get("minItems") == schema.get("maxItems") else None
        items = [resolved(schema.get("items"), root)] * min(count or 0, _MOST_FIGURES + 1)
        fixed = bool(items)
    if fixed and len(items) <= _MOST_FIGURES and all(item.get("type") in {"integer", "number"} for item in items):
        return "figures"
    item = resolved(schema.get("items"), root)
    if "prefixItems" not in schema and "enum" in item:
        return "ticks"
    plain = item.get("type") in {"string", "integer", "number"}
    return "list" if plain and "prefixItems" not in schema else "json"


def _parts(schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...], prefix: str) -> tuple[Field, ...]:
    """The numbers of a fixed-length array; two without titles of their own are "from" and "to"."""
    items = schema.get("prefixItems") or [schema["items"]] * schema["minItems"]
    words = ("from", "to") if len(items) == 2 else tuple(str(n) for n in range(1, len(items) + 1))
    titled = [{"title": word, **resolved(item, root)} for word, item in zip(words, items, strict=True)]
    return tuple(_field(item, root, (*path, str(n)), prefix, required=True) for n, item in enumerate(titled))


def _choices(schema: Mapping[str, Any]) -> tuple[tuple[str, str, Json], ...]:
    """The choices; what is posted are the values as read, or as JSON where two would be alike."""
    values = list(schema.get("enum", [schema["const"]] if "const" in schema else []))
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    if len(set(texts)) < len(texts) or "" in texts:
        texts = [json.dumps(value) for value in values]
    words = [value if isinstance(value, str) else quoted(value) for value in values]
    return tuple(zip(texts, words, values, strict=True))


def _hint(schema: Mapping[str, Any], kind: Kind, *, required: bool) -> str:
    """The description, then the limits in words, then what an empty control means."""
    said = str(schema.get("description", "")).strip()
    if said and said[-1] not in ".?:":
        said += "."
    default = schema.get("default")
    empty = f"Left empty: {quoted(default)}." if kind == "figure" and not required and default is not None else ""
    return " ".join(filter(None, [said, _limits(schema), *_counts(schema, kind), empty]))


def _limits(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = f"In steps of {quoted(schema['multipleOf'])}." if "multipleOf" in schema else ""
    if low is not None and high is not None:
        words = f"{quoted(low)} to {quoted(high)}."
    else:
        lower = (
            f"at least {quoted(low)}" if low is not None else f"more than {quoted(over)}" if over is not None else ""
        )
        upper = (
            f"at most {quoted(high)}" if high is not None else f"less than {quoted(under)}" if under is not None else ""
        )
        joined = " and ".join(filter(None, [lower, upper]))
        words = f"{joined[0].upper()}{joined[1:]}." if joined else ""
    return " ".join(filter(None, [words, step]))


def _counts(schema: Mapping[str, Any], kind: Kind) -> Iterator[str]:
    if kind in {"text", "lines"} and "maxLength" in schema:
        yield f"At most {schema['maxLength']:,} characters."
    if kind == "ticks" and schema.get("minItems"):
        yield f"Choose at least {schema['minItems']:,}."
    if kind in {"ticks", "list"} and "maxItems" in schema:
        yield f"At most {schema['maxItems']:,}."
    if kind == "list":
        yield "One a line."
    if kind == "json":
        yield "Written as JSON."
