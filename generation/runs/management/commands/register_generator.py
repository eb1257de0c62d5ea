"""``manage.py register_generator REFERENCE [--account SLUG]``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.runner import RunnerFault
from generation.runs import registry
from marketplace.accounts.models import Account


class Command(BaseCommand):
    """Registers a generator by entry point or ``module:attribute``, for an account."""

    help = "Register a generator (entry point or module:attribute) so that runs can use it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reference")
        parser.add_argument("--account", default="house", help="slug of the account that owns the generator")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            account = Account.objects.get(slug=options["account"])
            version = registry.register(options["reference"], account)
        except Account.DoesNotExist:
            raise CommandError(f"There is no account {options['account']}.") from None
        except (RunnerFault, registry.DigestChanged, registry.NotConfined) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version}  sha256:{version.digest}")
