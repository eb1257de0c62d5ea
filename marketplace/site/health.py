"""``/healthz``: may this process be sent requests? For load balancers and container engines, so it names no reason."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 3


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say of database and broker whether they answer: 200 when both do, else 503. The reason is in the log."""
    parts = {"database": _ask_database, "broker": _ask_broker}
    answers = {name: "up" if _up(name, ask) else "down" for name, ask in parts.items()}
    healthy = set(answers.values()) == {"up"}
    return JsonResponse(answers, status=HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE)


def _up(name: str, ask: Callable[[], None]) -> bool:
    try:
        ask()
    except (DatabaseError, redis.RedisError, OSError) as error:
        _log.warning("The %s does not answer: %s", name, type(error).__name__)
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
    ) as broker:
        broker.ping()
