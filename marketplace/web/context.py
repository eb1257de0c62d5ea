"""What every template knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """The site's public address, and whether this is the one-machine stack."""
    return {"PUBLIC_URL": settings.PUBLIC_URL, "LOCAL_STACK": settings.LOCAL_STACK}
