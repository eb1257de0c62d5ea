"""The Django application generation.runs."""

from django.apps import AppConfig
from django.conf import settings


class RunsConfig(AppConfig):
    name = "generation.runs"
    label = "runs"

    def ready(self) -> None:
        """Make the place on this machine's disk where runners work."""
        settings.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
