"""The Django application marketplace.storage."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    name = "marketplace.storage"
    label = "storage"
