"""``manage.py reconcile``: compare a day with what Stripe says moved our balance."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.books import reconciling
from billing.processor import Refused, Unavailable
from marketplace.web.templatetags.units import amount


class Command(BaseCommand):
    """Prints both sides and each difference to the cent, and ends with an error if there was one."""

    help = "Compare the ledger with Stripe’s balance transactions of one day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=_day, help="the day as 2026-11-25, in UTC; without it yesterday")

    def handle(self, *args: Any, **options: Any) -> None:
        day = options["day"] or datetime.now(UTC).date() - timedelta(days=1)
        try:
            found = reconciling.reconcile(day)
        except (Refused, Unavailable) as error:
            raise CommandError(f"{day} was not compared; nothing is known of it: {error}") from error
        self.stdout.write(
            f"{day}: {found.movements} movements at Stripe, {amount(found.stripe)}; "
            f"in the ledger {amount(found.ledger)}"
        )
        for one in found.differences:
            self.stdout.write(
                f"       {one['matter']}: {one['what'].replace('_', ' ')}, Stripe {amount(one['stripe'])}, "
                f"ledger {amount(one['ledger'])}, {', '.join(one['transactions']) or 'no balance transaction'}"
            )
        if found.differences:
            raise CommandError(f"{len(found.differences)} differences.")


def _day(text: str) -> date:
    return date.fromisoformat(text)
