"""The Celery application. There is one task for all work; it lives in ``marketplace.work``."""

from __future__ import annotations

import os
import threading
from typing import Any

from celery import Celery, platforms
from celery.signals import beat_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

app = Celery("lookalike")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["marketplace.work"], related_name="celery_tasks")


@beat_init.connect
def end_between_two_tasks(sender: Any, **_: Any) -> None:
    """Have beat, the ``sender``, end when asked to, after what it is at.

    Celery's own handler raises SystemExit wherever beat happens to be. Where that is in the middle of a read from Redis
    it gets lost, and beat goes on with a schedule that is closed already, until it fails of that.
    """

    def stop(*_: object) -> None:
        # Not in the handler: what was interrupted may be writing to the log, as ``stop`` does.
        threading.Thread(target=sender.stop).start()

    platforms.signals.update(SIGTERM=stop, SIGINT=stop)
