"""The Django application marketplace.mail."""

from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "marketplace.mail"
    label = "mail"
