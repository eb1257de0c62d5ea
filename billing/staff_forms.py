"""The forms of staff: money back with a reason, and a tax id as it was seen."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms

from billing.invoicing import profiles
from marketplace.web.templatetags.units import amount


class RefundForm(forms.Form):
    """How much of ``left`` minor units goes back, and why. An amount is written as on the page: 432.00."""

    amount = forms.CharField(
        label="Amount", widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Kept with the refund, for staff. All of it back takes the licence away.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, left: int, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._left, self._currency = left, currency
        self.fields["amount"].help_text = f"At most {amount(left, currency)}, written like {_plain(left)}."
        self.fields["amount"].initial = _plain(left)
        self.fields["seen"].initial = left

    def clean_seen(self) -> int:
        """What was left when the page was shown: a form that is sent twice gives nothing back twice."""
        if self.cleaned_data["seen"] != self._left:
            raise forms.ValidationError("Something was given back meanwhile. Look at the refunds, then send it again.")
        return self._left

    def clean_amount(self) -> int:
        """The amount in minor units."""
        typed = self.cleaned_data["amount"].strip().removeprefix("€").strip().replace(",", "")
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{2})?", typed):
            raise forms.ValidationError(f"“{typed[:30]}” is no amount. Write it like {_plain(self._left)}.")
        minor = int(Decimal(typed) * 100)
        if not 0 < minor <= self._left:
            raise forms.ValidationError(
                f"{amount(minor, self._currency)} is not between {amount(1, self._currency)} and what is left, "
                f"{amount(self._left, self._currency)}."
            )
        return minor


class ConfirmForm(forms.Form):
    """What of a profile the person who confirms had before them."""

    tax_id = forms.CharField(max_length=30)
    legal_name = forms.CharField(max_length=200, strip=False)
    country = forms.CharField(max_length=2)

    @property
    def seen(self) -> profiles.Registered:
        """What was seen."""
        return profiles.Registered(**self.cleaned_data)


def _plain(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"
