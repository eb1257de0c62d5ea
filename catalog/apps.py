"""The Django application catalog."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CatalogConfig(AppConfig):
    name = "catalog"
    label = "catalog"

    def ready(self) -> None:
        """Find the kinds of documents of all parts, in every process."""
        autodiscover_modules("documents")
