"""``manage.py replay OWNER/NAME[@NUMBER]``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.models import Dataset
from generation.runner import RunnerFault
from generation.runs import replays


class Command(BaseCommand):
    """Makes the shards of a version again and says what was compared and how it came out."""

    help = "Make a version again from its recipe and compare: OWNER/NAME, or OWNER/NAME@1.0.0."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version")

    def handle(self, *args: Any, **options: Any) -> None:
        name, _, number = options["version"].partition("@")
        dataset = Dataset.objects.named(*name.partition("/")[::2]).first()
        versions = [] if dataset is None else list(dataset.versions.readable().newest_first())
        version = next((version for version in versions if number in ("", version.number)), None)
        if version is None:
            raise CommandError(f"There is no version {options['version']}.")
        try:
            done = replays.replay(version, self.stdout.write)
        except RunnerFault as fault:
            raise CommandError(f"{version} could not be made again: {fault.message}") from fault
        except replays.NotReplayable as why:
            raise CommandError(str(why)) from why
        self.stdout.write(done.words)
        if not done.agrees:
            raise CommandError("It did not come out as published.")
