"""The Django application marketplace.storage."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class StorageConfig(AppConfig):
    name = "marketplace.storage"
    label = "storage"

    def ready(self) -> None:
        autodiscover_modules("references")
