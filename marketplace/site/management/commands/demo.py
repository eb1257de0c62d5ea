"""``manage.py demo``: the house, its generators, demo accounts, and shelves that workers fill."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from generation.orders import tariffs
from generation.orders.tariffs import Surcharge
from generation.runs.models import Generator
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.accounts.people import enrol
from marketplace.accounts.tokens import issue
from marketplace.site import demo, shelves
from marketplace.site.house import NotReady, open_house

#: Who can sign in, and whether they are staff.
_PEOPLE = {"buyer": False, "staff": True, "seller": False}


class Command(BaseCommand):
    """Fills an empty one-machine stack; what is there already is left as it is.

    The demo seller owns the organisations that sell on the shelves.

    The last line of the output is JSON: ``{"logins": [{"email", "password", "staff"}], "tokens": {slug: token}}``, with
    what this call made. Passwords and tokens are shown here and nowhere else.
    """

    help = "Register the house's generators and have the demo shelves filled."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--without-shelves``: nothing is made for the shelves."""
        parser.add_argument("--without-shelves", action="store_true", help="make no datasets for the shelves")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL_STACK:
            raise CommandError("The demo accounts are for the one-machine stack (LOOKALIKE_LOCAL=1) only.")
        try:
            house, versions = open_house(demo=True)
        except NotReady as error:
            raise CommandError(str(error)) from error
        sellers = {slug: self._organisation(slug, name) for slug, name in demo.SELLERS.items()}
        made = self._people({"staff": [house], "seller": list(sellers.values())})
        for name, tariff in demo.TARIFFS.items():
            self._tariff(versions[name].generator, tariff)
        for shelf in () if options["without_shelves"] else demo.SHELVES:
            listing = shelves.announce(sellers[shelf.seller], versions[shelf.generator], shelf)
            self.stderr.write(f"{listing.dataset}: {listing.get_state_display()}")
        self.stdout.write(json.dumps(made))

    def _tariff(self, generator: Generator, told: Mapping[str, Any]) -> None:
        """Set a tariff where none was set."""
        if tariffs.newest(generator) is None:
            surcharges = [Surcharge.from_json(held) for held in told.get("surcharges", [])]
            tariffs.set_tariff(generator, **{**told, "surcharges": surcharges})

    def _organisation(self, slug: str, name: str) -> Account:
        return Account.objects.get_or_create(
            slug=slug, defaults={"name": name, "kind": Account.Kind.ORGANISATION, "demo": True}
        )[0]

    def _people(self, owned: dict[str, list[Account]]) -> dict[str, Any]:
        logins: list[dict[str, Any]] = []
        tokens: dict[str, str] = {}
        for name, staff in _PEOPLE.items():
            email = f"{name}@demo.example"
            if User.objects.filter(email=email).exists():
                continue
            password = secrets.token_urlsafe(12)
            with transaction.atomic():
                account = enrol(email, password, f"demo-{name}", staff=staff)
                Account.objects.filter(id=account.id).update(name=f"Demo {name}", demo=True)
                user = User.objects.get(email=email)
                for organisation in owned.get(name, ()):
                    Membership.objects.create(account=organisation, user=user, role=Role.OWNER)
                tokens[account.slug] = issue(account, created_by=user, name="demo", scopes=["read", "order"]).secret
            logins.append({"email": email, "password": password, "staff": staff})
        return {"logins": logins, "tokens": tokens}
