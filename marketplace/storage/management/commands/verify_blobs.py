"""``manage.py verify_blobs``: read blobs again and compare their bytes with the digest that names them."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace import storage
from marketplace.storage import collecting


class Command(BaseCommand):
    """Reads every blob of the store, or a sample, whole; ends with an error when one is not what its name says."""

    help = "Read every blob again and compare its SHA-256 with its address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sample", type=_positive, metavar="N", help="only about N blobs, drawn at random")

    def handle(self, *args: Any, **options: Any) -> None:
        sample = options["sample"]
        digests = _Counted(collecting.digests() if sample is None else collecting.sample(sample))
        faults = 0
        for fault in storage.verify_blobs(digests):
            faults += 1
            self.stdout.write(f"FAULT  {storage.blob_key(fault.sha256)}: {fault.message}")
        self.stdout.write(f"{digests.seen:,} blobs read, {faults:,} faults.")
        if faults:
            raise CommandError(
                f"{faults} blobs are not what their address says. Restore them from a copy of the store."
            )


class _Counted:
    """Digests, counted as they pass."""

    def __init__(self, digests: Iterator[str]) -> None:
        self._digests = digests
        self.seen = 0

    def __iter__(self) -> Iterator[str]:
        for digest in self._digests:
            self.seen += 1
            yield digest


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
