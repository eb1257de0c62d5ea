"""Billing profiles: checked as a whole, kept, confirmed by staff, and copied onto each invoice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Now

from billing.invoicing import countries, tax_ids
from billing.models import BillingProfile
from marketplace.accounts import notices
from marketplace.accounts.models import Account, User
from marketplace.web.problems import Fault
from marketplace.web.typesetting import unprintable

#: The shape of a party as an invoice keeps it.
SCHEMA: Final = "lookalike/invoice-party/1"
_NEEDED: Final = {
    "legal_name": "Write the name that invoices are made out to.",
    "address": "Write the street and the number.",
    "city": "Write the town.",
    "country": "Choose the country.",
}


class ProfileRefused(Exception):
    """The details cannot be kept; ``faults`` has all that is wrong with them. Nothing was changed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(fault.message for fault in faults))
        self.faults = faults


class ProfileMoved(Exception):
    """The profile is no longer what the person who decided had before them."""


@dataclass(frozen=True)
class Registered:
    """What the register of a country confirms together."""

    tax_id: str
    legal_name: str
    country: str


@dataclass(frozen=True)
class Details:
    """A billing profile as somebody states it."""

    legal_name: str
    address: str
    city: str
    country: str
    address_more: str = ""
    postal_code: str = ""
    tax_id: str = ""
    purchase_order: str = ""
    email: str = ""

    def normal(self) -> Details:
        """The details as they are kept: no blanks around, single ones within, the tax id in its one form."""
        plain = {name: " ".join(value.split()) for name, value in asdict(self).items()}
        return Details(**plain | {"tax_id": tax_ids.normal(self.tax_id), "country": plain["country"].upper()})


def faults(details: Details) -> list[Fault]:
    """All that is wrong with ``details``, each with its field and its remedy."""
    stated = details.normal()
    found = [
        Fault(name, "This is missing.", remedy, "required")
        for name, remedy in _NEEDED.items()
        if not getattr(stated, name)
    ]
    for field in fields(stated):
        found += _faults_of_text(field.name, getattr(stated, field.name))
    if stated.country and stated.country not in countries.NAMES:
        remedy = "Use a code of ISO 3166, such as DE."
        found.append(Fault("country", f"“{stated.country}” is no country.", remedy, "country"))
    elif stated.tax_id and (wrong := tax_ids.fault(stated.tax_id, stated.country)):
        message, _, remedy = wrong.partition(". ")
        found.append(Fault("tax_id", f"{message}.", remedy, "tax_id"))
    if stated.email and not _is_address(stated.email):
        remedy = "Write it like name@example.org."
        found.append(Fault("email", f"“{stated.email}” is no e-mail address.", remedy, "email"))
    return found


def keep(account: Account, details: Details) -> BillingProfile:
    """Make ``details`` the billing profile of ``account``. Raises ProfileRefused with all that is wrong.

    A tax id stays checked only while id, name and country are the same: the register confirmed them together.
    """
    if wrong := faults(details):
        raise ProfileRefused(wrong)
    stated = details.normal()
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(id=account.id)
        profile = BillingProfile.objects.filter(account=account).first() or BillingProfile(account=account)
        if registered(profile) != registered(stated):
            profile.tax_id_checked_at = profile.tax_id_checked_by = None
        for name, value in asdict(stated).items():
            setattr(profile, name, value)
        profile.changed_at = Now()
        profile.save()
    profile.refresh_from_db()
    return profile


def confirm_tax_id(profile: BillingProfile, seen: Registered, *, by: User) -> BillingProfile:
    """Record that what was ``seen`` was found valid in the register. Raises ProfileMoved when it is no longer so.

    Confirming it twice changes nothing.
    """
    with transaction.atomic():
        found = (
            BillingProfile.objects.select_for_update(no_key=True, of=("self",))
            .select_related("account")
            .get(id=profile.id)
        )
        if not seen.tax_id or registered(found) != seen:
            raise ProfileMoved(f"The profile of {found.account} was changed meanwhile. Look the id up again.")
        if not found.tax_id_checked:
            found.tax_id_checked_at, found.tax_id_checked_by = Now(), by
            found.save(update_fields=["tax_id_checked_at", "tax_id_checked_by"])
    found.refresh_from_db()
    return found


def registered(stated: BillingProfile | Details) -> Registered:
    """What of a profile a register confirms together."""
    return Registered(stated.tax_id, stated.legal_name, stated.country)


def party(account: Account) -> Mapping[str, Any]:
    """Whom an invoice to ``account`` is made out to now, to be kept on it. Without a profile, the account's name."""
    profile = BillingProfile.objects.filter(account=account).first()
    stated: dict[str, Any] = {"schema": SCHEMA, "account": account.slug}
    if profile is None:
        return stated | {"name": account.name, "address": [], "country": "", "tax_id": "", "tax_id_checked": False}
    town = " ".join(filter(None, (profile.postal_code, profile.city)))
    return stated | {
        "name": profile.legal_name,
        "address": [line for line in (profile.address, profile.address_more, town) if line],
        "country": profile.country,
        "tax_id": profile.tax_id,
        "tax_id_checked": profile.tax_id_checked,
    }


def addresses(account: Account) -> list[str]:
    """Where letters about the account's money go: the profile's address, else its owners and billing members."""
    profile = BillingProfile.objects.filter(account=account).exclude(email="").first()
    if profile is not None:
        return [profile.email]
    return notices.addresses([account.id], roles=notices.MONEY)[account.id]


def _faults_of_text(name: str, value: str) -> list[Fault]:
    found = []
    longest = int(getattr(BillingProfile._meta.get_field(name), "max_length", 0))
    if len(value) > longest:
        found.append(Fault(name, f"This has {len(value)} characters.", f"Use at most {longest}.", "max_length"))
    if letters := unprintable(value):
        remedy = "Write it in Latin, Greek or Cyrillic letters."
        found.append(Fault(name, f"“{letters[:20]}” cannot be printed on an invoice.", remedy, "letters"))
    return found


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
