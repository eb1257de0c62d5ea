"""Stripe's bracketed forms, ``items[0][price]=1``, decoded as the operation's schema says.

https://docs.stripe.com/api says that requests are form-encoded; how faults are worded:
https://docs.stripe.com/error-codes (``parameter_unknown``, ``parameter_missing``, ``parameter_invalid_…``).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from marketplace.local.stripe.document import Document, Schema
from marketplace.local.stripe.errors import StripeError

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER = re.compile(r"-?\d+")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_METADATA_KEYS, _METADATA_KEY, _METADATA_VALUE = 50, 40, 500

Tree = dict[str, Any]


def decode(document: Document, takes: Schema, text: str) -> dict[str, Any]:
    """What a request says. Raises StripeError for what the operation does not take, lacks, or takes otherwise."""
    return _Decoder(document).fields(_tree(text), takes, "")


def _tree(text: str) -> Tree:
    """Nested names without any types yet; an element that is added by ``[]`` goes to the end."""
    root: Tree = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        matched = _KEY.fullmatch(name)
        if matched is None:
            raise StripeError(f"Invalid request: the name of a parameter is malformed: {name}", param=name)
        steps = [matched[1], *re.findall(r"\[([^\[\]]*)\]", matched[2])]
        place = root
        for number, step in enumerate(steps):
            key = step or str(len(place))
            if number == len(steps) - 1:
                place[key] = value
            else:
                inner = place.setdefault(key, {})
                if not isinstance(inner, dict):
                    raise StripeError(f"Invalid request: {name} is both a value and an object", param=name)
                place = inner
    return root


class _Decoder:
    def __init__(self, document: Document) -> None:
        self._document = document

    def fields(self, tree: Tree, schema: Schema, where: str) -> dict[str, Any]:
        known = schema.get("properties", {})
        if unknown := [_inside(where, name) for name in tree if name not in known]:
            plural = "s" if len(unknown) > 1 else ""
            raise StripeError(
                f"Received unknown parameter{plural}: {', '.join(unknown)}", code="parameter_unknown", param=unknown[0]
            )
        for name in schema.get("required", ()):
            if name not in tree:
                place = _inside(where, name)
                raise StripeError(f"Missing required param: {place}.", code="parameter_missing", param=place)
        return {name: self.value(inner, known[name], _inside(where, name)) for name, inner in tree.items()}

    def value(self, given: Any, schema: Schema, where: str) -> Any:
        schema = self._document.resolve(schema)
        if alternatives := schema.get("anyOf") or schema.get("oneOf"):
            return self._any_of(given, alternatives, where)
        kind = schema.get("type", "string")
        if isinstance(given, dict):
            if kind == "array":
                return self._list(given, schema, where)
            if kind == "object":
                return self._object(given, schema, where)
            raise StripeError(f"Invalid {kind}: {where} was given as an object", param=where)
        if kind == "object" or (kind == "array" and given):
            raise StripeError(f"Invalid {kind}", param=where)
        return [] if kind == "array" else _scalar(given, schema, where)

    def _object(self, given: Tree, schema: Schema, where: str) -> dict[str, Any]:
        more = schema.get("additionalProperties")
        if not isinstance(more, dict):
            return self.fields(given, schema, where)
        if where.rpartition("[")[2].rstrip("]") == "metadata" or where == "metadata":
            _check_metadata(given, where)
            return dict(given)
        return {name: self.value(inner, more, _inside(where, name)) for name, inner in given.items()}

    def _list(self, given: Tree, schema: Schema, where: str) -> list[Any]:
        if not all(key.isdecimal() for key in given):
            raise StripeError(f"Invalid array: {where}", param=where)
        ordered = sorted(given.items(), key=lambda item: int(item[0]))
        return [self.value(inner, schema["items"], f"{where}[{key}]") for key, inner in ordered]

    def _any_of(self, given: Any, alternatives: list[Schema], where: str) -> Any:
        """The first alternative that takes it; else the fault of the one whose shape it has."""
        fault: StripeError | None = None
        resolved = [self._document.resolve(each) for each in alternatives]
        for schema in sorted(resolved, key=lambda schema: _shape(schema) != _shape_of(given)):
            try:
                return self.value(given, schema, where)
            except StripeError as error:
                fault = fault or error
        raise fault or StripeError(f"Invalid value for {where}", param=where)


def _shape(schema: Schema) -> str:
    kind = schema.get("type")
    return str(kind) if kind in ("object", "array") else "scalar"


def _shape_of(given: Any) -> str:
    if not isinstance(given, dict):
        return "scalar"
    return "array" if given and all(key.isdecimal() for key in given) else "object"


def _scalar(given: str, schema: Schema, where: str) -> Any:
    kind, allowed = schema.get("type", "string"), schema.get("enum")
    if allowed is not None:
        if given not in allowed:
            words = [word for word in allowed if word]
            listed = " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
            raise StripeError(f"Invalid {where}: must be one of {listed}", param=where)
        return given
    if given == "":
        raise StripeError(
            f"You passed an empty string for '{where}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{where}' cannot be unset. You should remove '{where}' from your request or supply a "
            "non-empty value.",
            code="parameter_invalid_empty",
            param=where,
        )
    match kind:
        case "integer":
            if not _INTEGER.fullmatch(given):
                raise StripeError(f"Invalid integer: {given}", code="parameter_invalid_integer", param=where)
            return int(given)
        case "number":
            if not _DECIMAL.fullmatch(given):
                raise StripeError(f"Invalid number: {given}", param=where)
            return float(given)
        case "boolean":
            if given not in ("true", "false"):
                raise StripeError(f"Invalid boolean: {given}", param=where)
            return given == "true"
    if schema.get("format") == "decimal" and not _DECIMAL.fullmatch(given):
        raise StripeError(f"Invalid decimal: {given}", param=where)
    longest = schema.get("maxLength")
    if longest and len(given) > longest:
        raise StripeError(f"Invalid string: {given[:20]}…; must be at most {longest} characters", param=where)
    return given


def _check_metadata(given: Tree, where: str) -> None:
    """Limits of metadata: https://docs.stripe.com/api/metadata."""
    if len(given) > _METADATA_KEYS:
        raise StripeError(f"Metadata can have up to {_METADATA_KEYS} keys", param=where)
    for key, value in given.items():
        if not isinstance(value, str):
            raise StripeError("Metadata values must be strings", param=f"{where}[{key}]")
        if len(key) > _METADATA_KEY or len(value) > _METADATA_VALUE:
            raise StripeError(
                f"Metadata keys can have up to {_METADATA_KEY} characters, values up to {_METADATA_VALUE}",
                param=f"{where}[{key}]",
            )


def _inside(where: str, name: str) -> str:
    return f"{where}[{name}]" if where else name
