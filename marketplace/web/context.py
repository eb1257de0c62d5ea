"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from marketplace.web.navigation import items
from marketplace.web.theme import theme_of


def site(request: HttpRequest) -> dict[str, Any]:
    """The site's public address, whether it is the one-machine stack, whether payments are simulated, theme and way."""
    return {
        "PUBLIC_URL": settings.PUBLIC_URL,
        "LOCAL_STACK": settings.LOCAL_STACK,
        "simulated": settings.STRIPE_SIMULATED,
        "theme": theme_of(request),
        "navigation": items(request.path),
    }
