"""The Django application marketplace.work."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    name = "marketplace.work"
    label = "work"
