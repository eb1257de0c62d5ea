"""``manage.py demo``: the house, its generators, demo accounts, and shelves that workers fill."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from generation.runs import registry
from marketplace import storage
from marketplace.accounts.models import Account, Membership, Role, User
from marketplace.accounts.tokens import issue
from marketplace.site import demo, shelves

_PEOPLE = {"buyer": False, "staff": True}


class Command(BaseCommand):
    """Fills an empty one-machine stack; what is there already is left as it is.

    The last line of the output is JSON: ``{"logins": [{"email", "password", "staff"}], "tokens": {slug: token}}``, with
    what this call made. Passwords and tokens are shown here and nowhere else.
    """

    help = "Register the house's generators and have the demo shelves filled."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL_STACK:
            raise CommandError("The demo accounts are for the one-machine stack (LOOKALIKE_LOCAL=1) only.")
        self._bucket()
        house = self._account("house", "Lookalike", Account.Kind.ORGANISATION)
        versions = {reference: registry.register(reference, house) for reference in demo.HOUSE_GENERATORS}
        made = self._people(house)
        for shelf in demo.SHELVES:
            listing = shelves.announce(house, versions[shelf.generator], shelf)
            self.stderr.write(f"{listing.dataset}: {listing.get_state_display()}")
        self.stdout.write(json.dumps(made))

    def _bucket(self) -> None:
        try:
            storage.ensure_bucket()
        except storage.StorageError as error:
            raise CommandError(
                f"The object store does not take the bucket {error}. Check S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY and S3_BUCKET."
            ) from error

    def _account(self, slug: str, name: str, kind: str) -> Account:
        return Account.objects.get_or_create(slug=slug, defaults={"name": name, "kind": kind, "demo": True})[0]

    def _people(self, house: Account) -> dict[str, Any]:
        logins: list[dict[str, Any]] = []
        tokens: dict[str, str] = {}
        for name, staff in _PEOPLE.items():
            email = f"{name}@demo.example"
            if User.objects.filter(email=email).exists():
                continue
            password = secrets.token_urlsafe(12)
            with transaction.atomic():
                user = (User.objects.create_superuser if staff else User.objects.create_user)(email, password)
                account = self._account(f"demo-{name}", f"Demo {name}", Account.Kind.PERSONAL)
                Membership.objects.create(account=account, user=user, role=Role.OWNER)
                if staff:
                    Membership.objects.create(account=house, user=user, role=Role.OWNER)
                tokens[account.slug] = issue(account, created_by=user, name="demo", scopes=["read", "order"]).secret
            logins.append({"email": email, "password": password, "staff": staff})
        return {"logins": logins, "tokens": tokens}
