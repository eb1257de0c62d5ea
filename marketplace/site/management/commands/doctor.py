"""``manage.py doctor``: check on the living system what of "Always true" can be checked."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.doctor import checks


class Command(BaseCommand):
    """Runs every registered check, prints each fault, and ends with an error if there was one."""

    help = "Check what of “Always true” can be checked on the living system."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--promise", type=int, choices=range(1, 8), help="only the checks of this promise")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for check in checks():
            if options["promise"] not in (None, check.promise):
                continue
            found = list(check.function())
            faults += len(found)
            self.stdout.write(f"{'ok   ' if not found else 'FAULT'}  promise {check.promise}  {check.name}")
            for fault in found:
                self.stdout.write(f"       {fault.subject}: {fault.message}")
        if faults:
            raise CommandError(f"{faults} faults.")
