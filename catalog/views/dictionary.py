"""The data dictionary, for programs and spreadsheets."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from catalog import attachments, dictionary
from catalog.models import Version
from catalog.views.seen import seen_version


@require_GET
def dictionary_json(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The dictionary as JSON."""
    version = seen_version(request, owner, name, number)
    document = dictionary.document(version, _statistics(version))
    return JsonResponse(document, json_dumps_params={"ensure_ascii": False, "indent": 1})


@require_GET
def dictionary_csv(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The dictionary as CSV."""
    version = seen_version(request, owner, name, number)
    response = HttpResponse(dictionary.as_csv(version, _statistics(version)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{version.dataset.name}-{version.number}-dictionary.csv"'
    return response


def _statistics(version: Version) -> Any:
    attachment = version.attachments.filter(kind="statistics").first()
    return None if attachment is None else attachments.load(attachment)
