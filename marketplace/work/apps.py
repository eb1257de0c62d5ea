"""The Django application marketplace.work."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WorkConfig(AppConfig):
    name = "marketplace.work"
    label = "work"

    def ready(self) -> None:
        """Let each installed part register its kinds of work and its checks, in every process."""
        autodiscover_modules("tasks")
        autodiscover_modules("doctor")
