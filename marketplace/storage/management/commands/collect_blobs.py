"""``manage.py collect_blobs``: delete now the blobs to which nobody refers and that are older than a day."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from marketplace.storage import collecting


class Command(BaseCommand):
    """Goes over all blobs once, as the daily work does; prints each blob and how much it was."""

    help = "Delete the blobs to which nobody refers and that are older than a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        dry = options["dry_run"]
        looked_at, deleted, size = 0, 0, 0
        for page in collecting.pages():
            looked_at += page.looked_at
            for blob in collecting.unreferenced(page):
                if dry or collecting.collect(blob):
                    deleted, size = deleted + 1, size + blob.size
                    self.stdout.write(f"{blob.sha256}  {blob.size:,} bytes")
        did = "would be deleted" if dry else "deleted"
        self.stdout.write(f"{looked_at:,} blobs looked at; {deleted:,} {did}, {size:,} bytes.")
