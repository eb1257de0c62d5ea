"""The house: what stands before anybody comes: the bucket, and the account that the platform's own generators have."""

from __future__ import annotations

from generation.runner import RunnerFault
from generation.runs import registry
from generation.runs.models import GeneratorVersion
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.site.demo import HOUSE_GENERATORS


class NotReady(Exception):
    """The house cannot be opened; the message says why and what to do."""


def open_house(*, demo: bool = False) -> tuple[Account, dict[str, GeneratorVersion]]:
    """Return the house's account and its generators by name; they and the bucket are made where they are missing.

    Raises NotReady when the store refuses the bucket, a generator cannot be loaded, or its code changed and its version
    did not.
    """
    try:
        storage.ensure_bucket()
    except storage.StorageError as error:
        raise NotReady(
            f"The object store does not take the bucket {error}. Check S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and S3_BUCKET."
        ) from error
    house, _ = Account.objects.get_or_create(
        slug=registry.HOUSE, defaults={"name": "Lookalike", "kind": Account.Kind.ORGANISATION, "demo": demo}
    )
    try:
        return house, {reference: registry.register(reference, house) for reference in HOUSE_GENERATORS}
    except (RunnerFault, registry.DigestChanged) as error:
        raise NotReady(str(error)) from error
