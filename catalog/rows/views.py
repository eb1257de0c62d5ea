"""The calls: what was asked is checked, all faults told at once; what may not be seen is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from catalog import licensing
from catalog.models import Dataset
from catalog.rows import answers, filters, pictures
from catalog.rows.access import Reach, reach, split_faults, splits
from catalog.views.seen import refuse_lapsed, version_of
from marketplace.accounts.reading import reading_account
from marketplace.web.problems import Fault, Problem

_UNPROCESSABLE = 422
_LARGEST_OFFSET = 1 << 53

Call = Callable[[Reach, Mapping[str, str]], dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """A page of rows of a split that exists."""

    config: str
    split: str
    offset: int
    length: int
    columns: list[str] | None


def _call(answer: Call) -> Callable[..., HttpResponse]:
    """A view that finds version and reader and answers JSON."""

    @require_GET
    @wraps(answer)
    def view(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
        found = _reach(request, owner, name, number)
        asked = {key: request.GET[key] for key in request.GET}
        response = JsonResponse(answer(found, asked), json_dumps_params={"ensure_ascii": False})
        response["Cache-Control"] = "private, no-cache"
        return response

    return view


@_call
def rows(found: Reach, asked: Mapping[str, str]) -> dict[str, Any]:
    """``/rows``: any row of a split."""
    page = _asked(found, asked)
    return answers.rows(found, page.config, page.split, offset=page.offset, length=page.length, columns=page.columns)


@_call
def filtered(found: Reach, asked: Mapping[str, str]) -> dict[str, Any]:
    """``/filter``: the rows of the free sample for which a condition holds."""
    page = _asked(found, asked)
    return filters.answer(
        found,
        page.config,
        page.split,
        where=asked.get("where", ""),
        order=asked.get("orderby", ""),
        offset=page.offset,
        length=page.length,
        columns=page.columns,
    )


@_call
def first_rows(found: Reach, asked: Mapping[str, str]) -> dict[str, Any]:
    """``/first-rows``: a hundred rows."""
    page = _asked(found, asked)
    return answers.first_rows(found, page.config, page.split)


@_call
def statistics(found: Reach, asked: Mapping[str, str]) -> dict[str, Any]:
    """``/statistics``: what was counted over all rows of a configuration."""
    told = answers.statistics(found.version, _asked(found, asked).config)
    if told is None:
        raise Problem(404, "Not measured", f"There are no statistics of {found.version}.")
    return told


@_call
def size(found: Reach, asked: Mapping[str, str]) -> dict[str, Any]:
    """``/size``: rows and bytes."""
    return answers.size(found.version)


@_call
def all_splits(found: Reach, asked: Mapping[str, str]) -> dict[str, Any]:
    """``/splits``: configurations and splits."""
    return answers.splits_answer(found.version)


@require_GET
def picture(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The picture in a cell; it never changes, so browsers keep it."""
    found = _reach(request, owner, name, number)
    asked = {key: request.GET[key] for key in request.GET}
    page = _asked(found, asked, cell=True)
    shown = pictures.picture(found, page.config, page.split, asked.get("column", ""), page.offset)
    if shown is None:
        raise Problem(404, "Nothing is at this address", "There is no picture in this cell that you may see.")
    response = HttpResponse(shown[0], content_type=shown[1])
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _reach(request: HttpRequest, owner: str, name: str, number: str | None) -> Reach:
    account = reading_account(request)
    dataset = Dataset.objects.named(owner, name).first()
    version = None
    if dataset is not None:
        version = licensing.newest_for(account, dataset) if number is None else version_of(dataset, number)
    found = None if version is None else reach(account, version)
    if found is None:
        readable = None if dataset is None else dataset.versions.readable().select_related("shelf")
        refuse_lapsed(account, version or (None if readable is None else readable.newest_first().first()))
        what = f"version {number} of a dataset" if number else "dataset"
        raise Problem(404, "Nothing is at this address", f"There is no {what} {owner}/{name} that you may see.")
    return found


def _asked(found: Reach, asked: Mapping[str, str], *, cell: bool = False) -> Asked:
    """The page that is asked for, or the one cell (by ``row`` and ``column``).

    Raises Problem with all that is wrong with it.
    """
    version = found.version
    known = splits(version)
    config = asked.get("config", known[0][0])
    split = asked.get("split", next((name for of, name in known if of == config), known[0][1]))
    faults = split_faults(version, config, split)
    offset = _number(asked, "row" if cell else "offset", 0, 0, _LARGEST_OFFSET, faults)
    length = _number(asked, "length", answers.LARGEST_PAGE, 1, answers.LARGEST_PAGE, faults)
    columns = None
    field = "column" if cell else "columns"
    if cell or field in asked:
        named = asked.get(field, "")
        columns = [name for name in ([named] if cell else map(str.strip, named.split(","))) if name]
        table = next((table for table in version.layout["tables"] if table["name"] == config), None)
        if table is not None:
            there = [column["name"] for column in table["schema"]]
            faults += [
                Fault(field, f"“{name[:40]}” is no column of {config}.", f"Use {', '.join(there)}.", "unknown")
                for name in columns
                if name not in there
            ]
        if not columns:
            remedy = "Name the column of the picture." if cell else "Name columns, or leave it out."
            faults.append(Fault(field, "No column is named.", remedy, "empty"))
    if faults:
        raise Problem(_UNPROCESSABLE, "These rows cannot be shown", faults=faults)
    return Asked(config, split, offset, length, columns)


def _number(asked: Mapping[str, str], field: str, default: int, least: int, most: int, faults: list[Fault]) -> int:
    text = asked.get(field, str(default))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else -1
    if not least <= number <= most:
        remedy = f"Use a whole number from {least:,} to {most:,}."
        faults.append(Fault(field, f"“{text[:20]}” is not one that can be used here.", remedy, "range"))
    return number
