"""The addresses of the site, and one more: a page's template rendered from constants, without a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from marketplace.urls import handler400, handler403, handler404, handler500
from marketplace.urls import urlpatterns as site

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@dataclass
class Constant:
    """A template and all that it shows."""

    template: str
    context: dict[str, Any]


#: By number, in the order of measuring.
CONSTANTS: list[Constant] = []


def constant(request: HttpRequest, number: int) -> HttpResponse:
    """Render a template from constants."""
    return render(request, CONSTANTS[number].template, CONSTANTS[number].context)


urlpatterns = [path("constant/<int:number>", constant), *site]
