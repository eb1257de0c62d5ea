"""``manage.py rotate_key PURPOSE``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from marketplace.keys import keyring
from marketplace.keys.models import Purpose


class Command(BaseCommand):
    """Makes the next key of a purpose; it is published now and signs from tomorrow."""

    help = "Make the next signing key of a purpose. It is published now and signs from tomorrow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("purpose", choices=Purpose.values)

    def handle(self, *args: Any, **options: Any) -> None:
        key = keyring.rotate(options["purpose"])
        self.stdout.write(f"{key.kid} signs from {key.signs_from:%Y-%m-%d %H:%M} UTC")
