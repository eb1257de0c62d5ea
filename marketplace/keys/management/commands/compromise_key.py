"""``manage.py compromise_key KID``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.keys import keyring


class Command(BaseCommand):
    """Takes a key that others may have out of the published set; what signs for its purpose from now on is named."""

    help = "Say that others may have a key: it leaves the published set, and what it signed counts no more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kid", help="as /.well-known/jwks.json names it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = keyring.compromise(options["kid"])
        except LookupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['kid']} is no longer published; {key.kid} signs for {key.purpose} now.")
