"""The Django application marketplace.local."""

from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "marketplace.local"
    label = "local"
