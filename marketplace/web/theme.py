"""Light, dark, or as the reader's system says: kept in a cookie, written by the server into the page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEMES = ("light", "dark")
_COOKIE = "theme"
_ONE_YEAR = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """``light``, ``dark``, or an empty text when the reader's system decides."""
    chosen = request.COOKIES.get(_COOKIE, "")
    return chosen if chosen in THEMES else ""


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the theme posted as ``theme`` (anything but light and dark means the system's) and go back to ``next``."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = "/"
    response = HttpResponseRedirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        secure = bool(settings.SESSION_COOKIE_SECURE)
        response.set_cookie(_COOKIE, chosen, max_age=_ONE_YEAR, samesite="Lax", httponly=True, secure=secure)
    else:
        response.delete_cookie(_COOKIE, samesite="Lax")
    return response
