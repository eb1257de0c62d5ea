"""``manage.py prepare``: what a deployment needs beside its tables."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.site.house import NotReady, open_house


class Command(BaseCommand):
    """Makes the bucket and registers the house's generators; what is there already is left as it is."""

    help = "After migrate: make the bucket if it is missing, and register the house's generators."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, versions = open_house()
        except NotReady as error:
            raise CommandError(str(error)) from error
        for version in versions.values():
            self.stdout.write(f"{version}  sha256:{version.digest}")
