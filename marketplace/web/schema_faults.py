"""What is wrong with a JSON value under a JSON Schema: all at once, each fault with its path, a sentence and a remedy.

The schemas are those that pydantic makes for a generator's ``Parameters``. They may come from strangers: nothing is
fetched, whatever a ``$ref`` says.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from marketplace.web.problems import Fault

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Sentence = tuple[str, str]

#: Beyond this, whole numbers lose digits in JSON (RFC 8785), so a recipe could not record them.
LARGEST_INTEGER = 2**53 - 1
_LONGEST_QUOTE = 60
#: Lists and sets within each other; what follows a value level by level must come to its end.
_DEEPEST = 32
_MOST_NAMES = 12

_formats = FormatChecker(formats=("date", "email", "uuid"))


@_formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


def faults(schema: Mapping[str, Any], value: Json) -> list[Fault]:
    """Every fault of ``value`` under ``schema``, in the order of the schema; an empty list means that it fits.

    A place has one fault: the first that says what to do. Values that no recipe can record (whole numbers of more than
    53 bits, NaN, infinities, text that cannot be stored) are faults too. Raises ValueError for a schema that refers to
    anything outside itself.
    """
    found: dict[str, Fault] = {}
    clean = _storable(value, (), found)
    validator = Draft202012Validator(schema, registry=Registry(), format_checker=_formats)
    try:
        for error in validator.iter_errors(clean):
            for fault in _told(error):
                found.setdefault(fault.field, fault)
    except Unresolvable as unresolvable:
        raise ValueError(f"the schema refers to {unresolvable.ref}, which is not in it") from unresolvable
    return list(found.values())


def quoted(value: Json) -> str:
    """``value`` as a sentence names it: numbers with thousands, text quoted and cut, lists and objects by kind."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:,}".removesuffix(".0")
    if isinstance(value, str):
        shown = value[:_LONGEST_QUOTE].encode(errors="backslashreplace").decode()
        return f"“{shown}”" if len(value) <= _LONGEST_QUOTE else f"“{shown}…”"
    return "a set of named values" if isinstance(value, Mapping) else f"a list of {len(value)}"


def _storable(value: Json, path: tuple[str, ...], found: dict[str, Fault]) -> Json:
    """``value`` with null in each place that no recipe can record, and without members whose names it cannot.

    Those places are put into ``found``: what lies too deep at its setting, a name at the set that holds it.
    """
    if len(path) > _DEEPEST and not isinstance(value, bool | int | float | str | None):
        remedy = f"Use {_DEEPEST} levels at most."
        found.setdefault(path[0], Fault(path[0], "Lists and sets lie too deep within each other.", remedy, "depth"))
        return None
    if isinstance(value, Mapping):
        for name in value:
            if (sentence := _unstorable(name)) is not None:
                place = ".".join(path)
                found.setdefault(place, Fault(place, *sentence, "unstorable"))
        storable = {name: item for name, item in value.items() if _unstorable(name) is None}
        return {name: _storable(item, (*path, name), found) for name, item in storable.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_storable(item, (*path, str(index)), found) for index, item in enumerate(value)]
    sentence = _unstorable(value)
    if sentence is None:
        return value
    place = ".".join(path)
    found[place] = Fault(place, *sentence, "unstorable")
    return None


def _unstorable(value: bool | int | float | str | None) -> Sentence | None:
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return "The number has more digits than can be recorded.", f"Use at most {LARGEST_INTEGER:,}."
    if isinstance(value, float) and not math.isfinite(value):
        return "This is not a number that can be recorded.", "Use a finite number."
    if isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        return "The text holds a character that cannot be stored.", "Type the text again, without hidden characters."
    return None


@dataclass(frozen=True)
class _Broken:
    """A rule of the schema that a value breaks: the rule's own value (``limit``) and all rules of that place."""

    limit: Any
    value: Any
    rules: Mapping[str, Any]


def _told(error: ValidationError) -> Iterator[Fault]:
    """The faults that one error of the validator stands for."""
    path = [str(step) for step in error.absolute_path]
    rule = str(error.validator)
    rules = error.schema if isinstance(error.schema, Mapping) else {}
    broken = _Broken(error.validator_value, error.instance, rules)
    branch = _meant_branch(error) if rule in {"anyOf", "oneOf"} else None
    if branch is not None:
        for inner in branch:
            yield from _told(inner)
    elif rule == "required":
        for name in broken.limit:
            if name not in broken.value:
                yield Fault(".".join([*path, name]), "Nothing is entered here.", "Enter a value.", "required")
    elif rule == "additionalProperties" and "properties" in rules:
        known = list(rules["properties"])
        for name in sorted(set(broken.value) - set(known)):
            message = f"{quoted(name)} is not a setting here."
            yield Fault(".".join([*path, name]), message, _did_you_mean(name, known), "unknown")
    else:
        yield Fault(".".join(path), *_SENTENCES.get(rule, _any_other)(broken), rule)


def _meant_branch(error: ValidationError) -> list[ValidationError] | None:
    """The errors of the only branch that is not ``null``: who leaves the choice of nothing aside means that one."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    meant = [
        inners
        for inners in branches.values()
        if not all(inner.validator == "type" and inner.validator_value == "null" for inner in inners)
    ]
    return meant[0] if len(meant) == 1 else None


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"Did you mean {near[0]}?" if near else f"The settings are {_listed(known)}." if known else "Leave it out."


def _listed(values: Sequence[Json]) -> str:
    words = [value if isinstance(value, str) else quoted(value) for value in values[:_MOST_NAMES]]
    rest = len(values) - len(words)
    return ", ".join(words) + (f" and {rest:,} more" if rest else "")


def _as_share(value: Json, limits: Mapping[str, Any]) -> str | None:
    """The remedy for 5 typed where 0.05 is meant; None when the setting is no share or the hundredth does not fit."""
    highest = limits.get("maximum", limits.get("exclusiveMaximum", math.inf))
    if not isinstance(value, int | float) or highest > 1 or not 0 < value <= 100 * highest:
        return None
    return f"For {quoted(value)} %, write {quoted(float(f'{value / 100:.12g}'))}."


def _maximum(broken: _Broken) -> Sentence:
    limit = quoted(broken.limit)
    return f"{quoted(broken.value)} is over the limit of {limit}.", _as_share(
        broken.value, broken.rules
    ) or f"Use at most {limit}."


def _minimum(broken: _Broken) -> Sentence:
    limit = quoted(broken.limit)
    return f"{quoted(broken.value)} is under the least allowed, {limit}.", f"Use at least {limit}."


def _exclusive_maximum(broken: _Broken) -> Sentence:
    limit = quoted(broken.limit)
    return f"{quoted(broken.value)} is not under {limit}.", _as_share(
        broken.value, broken.rules
    ) or f"Use less than {limit}."


def _exclusive_minimum(broken: _Broken) -> Sentence:
    limit = quoted(broken.limit)
    return f"{quoted(broken.value)} is not over {limit}.", f"Use more than {limit}."


def _multiple_of(broken: _Broken) -> Sentence:
    step = broken.limit
    below = float(f"{math.floor(broken.value / step) * step:.12g}")
    above = float(f"{below + step:.12g}")
    return f"{quoted(broken.value)} is not a multiple of {quoted(step)}.", f"Use {quoted(below)} or {quoted(above)}."


def _enum(broken: _Broken) -> Sentence:
    return f"{quoted(broken.value)} is not one of the choices.", f"Choose one of {_listed(broken.limit)}."


def _const(broken: _Broken) -> Sentence:
    return f"{quoted(broken.value)} is not possible here.", f"Use {_listed([broken.limit])}."


_TYPES: dict[str, Sentence] = {
    "integer": ("a whole number", "Write digits alone, for example 1000."),
    "number": ("a number", "Write digits with a decimal point, for example 0.05."),
    "string": ("text", "Send text."),
    "boolean": ("yes or no", "Use true or false."),
    "array": ("a list", "Send a list."),
    "object": ("a set of named values", "Send an object with named values."),
    "null": ("empty", "Leave it empty."),
}


def _type(broken: _Broken) -> Sentence:
    wanted = broken.limit if isinstance(broken.limit, str) else broken.limit[0]
    name, remedy = _TYPES[wanted]
    value = broken.value
    if value == "" or value is None:
        return "Nothing is entered here.", "Enter a value."
    if wanted == "integer" and isinstance(value, float):
        remedy = f"Use {quoted(math.floor(value))} or {quoted(math.ceil(value))}."
    if wanted == "number" and isinstance(value, str) and value.rstrip().endswith("%"):
        with suppress(ValueError):
            remedy = _as_share(float(value.rstrip().removesuffix("%")), {"maximum": 1}) or remedy
    return f"{quoted(value)} is not {name}.", remedy


def _counted(unit: str, unit_many: str, *, over: bool) -> Callable[[_Broken], Sentence]:
    """The sentence about too many or too few of something."""

    def sentence(broken: _Broken) -> Sentence:
        limit, has = broken.limit, len(broken.value)
        units = unit if limit == 1 else unit_many
        if over:
            return f"{has:,} are over the limit of {limit:,} {units}.", f"Use at most {limit:,}."
        return f"Only {has:,} of at least {limit:,} {units} {'is' if has == 1 else 'are'} here.", "Add the rest."

    return sentence


def _unique(broken: _Broken) -> Sentence:
    return "The same value is there twice.", "Name each value once."


def _pattern(broken: _Broken) -> Sentence:
    return f"{quoted(broken.value)} is not in the form asked for.", f"It has to match {broken.limit}."


_FORMATS = {
    "date": "Write year, month, day, for example 2026-11-24.",
    "date-time": "Write it like 2026-11-24T14:01:00Z.",
    "email": "Write an address with an @.",
    "uuid": "Write 32 hexadecimal digits in groups of 8-4-4-4-12.",
}


def _format(broken: _Broken) -> Sentence:
    kind = str(broken.limit)
    return f"{quoted(broken.value)} is not a {kind}.", _FORMATS.get(kind, "See the description of this setting.")


def _any_other(broken: _Broken) -> Sentence:
    return (
        f"{quoted(broken.value).capitalize()} fits none of the forms allowed here.",
        "See the description of this setting.",
    )


_SENTENCES: dict[str, Callable[[_Broken], Sentence]] = {
    "maximum": _maximum,
    "minimum": _minimum,
    "exclusiveMaximum": _exclusive_maximum,
    "exclusiveMinimum": _exclusive_minimum,
    "multipleOf": _multiple_of,
    "enum": _enum,
    "const": _const,
    "type": _type,
    "minItems": _counted("value", "values", over=False),
    "maxItems": _counted("value", "values", over=True),
    "minLength": _counted("character", "characters", over=False),
    "maxLength": _counted("character", "characters", over=True),
    "uniqueItems": _unique,
    "pattern": _pattern,
    "format": _format,
}
