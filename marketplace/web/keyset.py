"""Pages by key: each begins where the last ended, so a page costs the same at any depth and no row is lost or doubled.

The cursor in the address is signed: a page begins only where one of ours ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest

from marketplace.web.problems import Fault, Problem

Row = TypeVar("Row", bound=Model)

LARGEST_SIZE = 100
_signer = Signer(salt="marketplace.web.keyset")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows in their order, and the cursors of the pages after and before; None where there is none."""

    items: list[Row]
    next_cursor: str | None
    previous_cursor: str | None


def page(queryset: QuerySet[Row], *, order: Sequence[str], cursor: str = "", size: int = 25) -> Page[Row]:
    """The rows of ``queryset`` from ``cursor`` on, at most ``size`` (1 to 100), by the columns ``order``.

    ``order`` names columns that hold no null, as ``order_by`` does ("-published_at", "-id", also "account__slug" or an
    annotation); together they are unique, so the last is a key. A value has to equal itself after it was read: cast
    what PostgreSQL keeps in single precision, such as a rank. An empty cursor is the first page. Raises Problem 400 for
    a cursor that is not one of ours, or belongs to another order, and ValueError for a null in a column.
    """
    back, values = _opened(queryset, order, cursor) if cursor else (False, None)
    rows = queryset.order_by(*(_turned(column) if back else column for column in order))
    if values is not None:
        rows = rows.filter(_beyond(order, values, back=back))
    found = list(rows[: size + 1])
    more = len(found) > size
    found = found[:size]
    if back:
        found.reverse()
    after, before = (True, more) if back else (more, bool(cursor))
    return Page(
        items=found,
        next_cursor=_sealed(order, found[-1], back=False) if after and found else None,
        previous_cursor=_sealed(order, found[0], back=True) if before and found else None,
    )


def requested_page(request: HttpRequest, queryset: QuerySet[Row], *, order: Sequence[str], size: int = 25) -> Page[Row]:
    """The page that ``request`` asks for by ``?cursor=…&size=…``. Raises Problem 400 for a size out of bounds."""
    cursor = request.GET.get("cursor", "")
    return page(queryset, order=order, cursor=cursor, size=requested_size(request, size))


def requested_size(request: HttpRequest, size: int) -> int:
    """How many rows ``request`` asks for, ``size`` if it does not say. Raises Problem 400 for a size out of bounds."""
    asked = request.GET.get("size", "")
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 10 and 1 <= int(asked) <= LARGEST_SIZE):
        fault = Fault(
            "size", f"“{asked[:20]}” is not a size of a page.", f"Use a whole number from 1 to {LARGEST_SIZE}."
        )
        raise Problem(400, "This page cannot be shown", faults=[fault])
    return int(asked) if asked else size


def _beyond(order: Sequence[str], values: Sequence[Any], *, back: bool) -> Q:
    """Rows after ``values``: the first column lies beyond, or is equal and the second does, and so on.

    The bound on the first column alone is implied; it is said so that an index on it is used.
    """
    steps = Q()
    equal: dict[str, Any] = {}
    for column, value in zip(order, values, strict=True):
        steps |= Q(**equal, **{f"{_plain(column)}__{_comparison(column, back)}": value})
        equal[_plain(column)] = value
    return Q(**{f"{_plain(order[0])}__{_comparison(order[0], back)}e": values[0]}) & steps


def _comparison(column: str, back: bool) -> str:
    return "lt" if column.startswith("-") != back else "gt"


def _plain(column: str) -> str:
    return column.removeprefix("-")


def _turned(column: str) -> str:
    return _plain(column) if column.startswith("-") else f"-{column}"


def _sealed(order: Sequence[str], row: Model, *, back: bool) -> str:
    """The signed cursor of the page that begins beyond ``row``."""
    values = [_value(row, _plain(column)) for column in order]
    if any(value is None for value in values):
        raise ValueError(f"a page cannot be ordered by {', '.join(order)}: there is a null in it")
    return _signer.sign_object([list(order), back, [str(value) for value in values]])


def _opened(queryset: QuerySet[Row], order: Sequence[str], cursor: str) -> tuple[bool, list[Any]]:
    try:
        signed_order, back, words = _signer.unsign_object(cursor)
        if signed_order == list(order):
            return back, [_field(queryset, _plain(c)).to_python(w) for c, w in zip(order, words, strict=True)]
    except (BadSignature, ValueError, TypeError, ValidationError):
        pass
    fault = Fault(
        "cursor", "The cursor is not one of this list.", "Leave it out to begin with the first page.", "cursor"
    )
    raise Problem(400, "This page cannot be found", faults=[fault])


def _value(row: Model, column: str) -> Any:
    value: Any = row
    for step in column.split("__"):
        value = getattr(value, step)
    return value


def _field(queryset: QuerySet[Row], column: str) -> Field[Any, Any]:
    """The field that reads the column's words back: an annotation's output, or the model's at the end of the path."""
    if column in queryset.query.annotations:
        field: Field[Any, Any] = queryset.query.annotations[column].output_field
        return field
    model: Any = queryset.model
    *relations, last = column.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    found = model._meta.get_field(last)
    if not isinstance(found, Field):
        raise FieldDoesNotExist(f"{column} is not a column")
    return found
