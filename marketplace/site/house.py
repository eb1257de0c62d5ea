"""The house: the account that the platform's own generators belong to."""

from __future__ import annotations

from generation.runs import registry
from generation.runs.models import GeneratorVersion
from marketplace.accounts.models import Account
from marketplace.site.demo import HOUSE_GENERATORS


def open_house(*, demo: bool = False) -> tuple[Account, dict[str, GeneratorVersion]]:
    """Return the house's account and its generators by name; both are made where they are missing.

    Raises ``registry.DigestChanged`` when the code of a generator changed and its version did not.
    """
    house, _ = Account.objects.get_or_create(
        slug="house", defaults={"name": "Lookalike", "kind": Account.Kind.ORGANISATION, "demo": demo}
    )
    return house, {reference: registry.register(reference, house) for reference in HOUSE_GENERATORS}
