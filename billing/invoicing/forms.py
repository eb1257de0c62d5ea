"""The form of the billing profile: what a browser fills in by itself has its name for browsers."""

from __future__ import annotations

from typing import Any

from django import forms

from billing.invoicing import countries, profiles
from billing.models import BillingProfile


def _text(label: str, autocomplete: str, help_text: str = "", *, required: bool = False) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, required=required, help_text=help_text, widget=widget)


class ProfileForm(forms.Form):
    """Name, address, tax id, purchase order and e-mail; ``billing.invoicing.profiles`` says what is wrong."""

    legal_name = _text("Legal name", "organization", "As it is registered; invoices are made out to it.", required=True)
    address = _text("Street and number", "address-line1", required=True)
    address_more = _text("More of the address", "address-line2")
    postal_code = _text("Postal code", "postal-code")
    city = _text("City", "address-level2", required=True)
    country = forms.ChoiceField(
        label="Country",
        choices=[("", "choose one"), *countries.CHOICES],
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    tax_id = _text(
        "VAT or tax id",
        "off",
        "For businesses, with the country’s letters, like DE123456789. Staff look it up in the register; until then "
        "invoices show it and charge tax as for everybody.",
    )
    purchase_order = _text("Purchase-order number", "off", "Printed on each invoice from now on.")
    email = forms.EmailField(
        label="E-mail for invoices",
        required=False,
        help_text="Receipts and invoices are announced there. Without it they are to owners and billing members.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    @property
    def details(self) -> profiles.Details:
        """What the form states."""
        return profiles.Details(**{name: self.cleaned_data.get(name) or "" for name in self.fields})

    def clean(self) -> dict[str, Any]:
        """All that is wrong with what was stated, each fault at its field; what is missing was said already."""
        cleaned: dict[str, Any] = super().clean() or {}
        for fault in profiles.faults(self.details):
            if fault.field not in self.errors:
                self.add_error(fault.field, f"{fault.message} {fault.remedy}")
        return cleaned


def filled_in(profile: BillingProfile | None) -> ProfileForm:
    """The form with what is known already."""
    initial = {} if profile is None else {name: getattr(profile, name) for name in ProfileForm.base_fields}
    return ProfileForm(initial=initial)
