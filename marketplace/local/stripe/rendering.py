"""Objects as the API shows them: without what is only ours, with what was asked to be expanded.

https://docs.stripe.com/api/expanding_objects: four levels at most, ``data.`` before a field of a list's items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketplace.local.stripe.document import Schema
from marketplace.local.stripe.errors import StripeError
from marketplace.local.stripe.state import Object, Page, World

_DEPTH = 4
Includes = Callable[[World, Object], Any]
#: Fields that an answer has only when they are asked for, by kind and field.
_INCLUDED: dict[tuple[str, str], Includes] = {}


def included(kind: str, field: str) -> Callable[[Includes], Includes]:
    """Register what makes a field that answers have only when ``expand`` asks for it."""

    def register(makes: Includes) -> Includes:
        _INCLUDED[kind, field] = makes
        return makes

    return register


def public(kept: Any) -> Any:
    """Without the fields that are only ours."""
    if isinstance(kept, dict):
        return {name: public(value) for name, value in kept.items() if not name.startswith("_")}
    return [public(item) for item in kept] if isinstance(kept, list) else kept


def listed(objects: list[Object], url: str, *, has_more: bool = False) -> Object:
    """A list object."""
    return {"object": "list", "data": objects, "has_more": has_more, "url": url}


def shown(world: World, answer: Object | Page, url: str, expand: list[str]) -> Object:
    """The whole answer. Raises StripeError when something cannot be expanded."""
    body = listed(answer.objects, url, has_more=answer.has_more) if isinstance(answer, Page) else answer
    body = public(body)
    for path in expand:
        steps = path.split(".")
        if len(steps) > _DEPTH:
            raise StripeError("You cannot expand more than 4 levels of a property.", param="expand")
        _expand(world, body, steps, path)
    return dict(body)


def _expand(world: World, shown_object: Object, steps: list[str], path: str) -> None:
    field, *rest = steps
    if shown_object.get("object") == "list":
        if field != "data":
            raise _cannot(path)
        for item in shown_object["data"]:
            if rest:
                _expand(world, item, rest, path)
        return
    kind = shown_object.get("object")
    if kind is None:
        _follow(world, shown_object.get(field), rest, path)
        return
    schema = world.document.of_object(kind)
    if (kind, field) in _INCLUDED and field not in shown_object:
        shown_object[field] = public(_INCLUDED[kind, field](world, shown_object))
    if field not in schema["properties"]:
        raise _cannot(path)
    _expand_field(world, shown_object, schema["properties"][field], field, rest, path)


def _expand_field(world: World, shown_object: Object, schema: Schema, field: str, rest: list[str], path: str) -> None:
    value = shown_object.get(field)
    expandable = "x-expansionResources" in schema
    if not rest and not expandable and (shown_object.get("object"), field) not in _INCLUDED:
        raise _cannot(path)
    if expandable and isinstance(value, str) and not world.contrary:
        found = world.find(value) or _elsewhere(world, value)
        if found is not None:
            value = shown_object[field] = public(found)
    if rest:
        _follow(world, value, rest, path)


def _follow(world: World, value: Any, rest: list[str], path: str) -> None:
    """Go on inside a value: an object, a plain group of fields, or nothing at all."""
    if isinstance(value, list):
        for item in value:
            _follow(world, item, rest, path)
    elif isinstance(value, dict) and rest:
        _expand(world, value, rest, path)


def _elsewhere(world: World, name: str) -> Object | None:
    """An object that lies with another account of this world, as a transfer's payment does."""
    owner = world.store.owner(name)
    return owner.find(name) if owner is not None and owner.key == world.key else None


def _cannot(path: str) -> StripeError:
    return StripeError(
        f"This property cannot be expanded ({path}). You may want to try expanding some of its parents.", param="expand"
    )
