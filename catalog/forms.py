"""Forms of the catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from catalog import terms
from catalog.models.terms import QUESTIONS
from catalog.terms import STANDARD, Wording

_LONGEST_TEXT = 20_000
_MOST_SEATS = 100_000
_MOST_DAYS = 3_650
#: In whole units of the currency. Below the least no card is charged: docs.stripe.com/currencies, "Minimum and maximum
#: charge amounts".
_LEAST_PRICE = Decimal("0.50")
_MOST_PRICE = Decimal(500_000)


class OfferForm(forms.Form):
    """What a licence is offered for, on the site's own terms or on a text of the seller's."""

    kind = forms.ChoiceField(
        label="For",
        widget=forms.RadioSelect,
        choices=[(kind.value, kind.label.capitalize()) for kind in terms.OFFERED],
    )
    price = forms.DecimalField(
        label=f"Price in {settings.CURRENCY}",
        required=False,
        min_value=0,
        max_value=_MOST_PRICE,
        decimal_places=2,
        help_text="What a buyer pays, tax included. Empty or 0: free.",
    )
    seats = forms.IntegerField(
        label="People", required=False, min_value=1, max_value=_MOST_SEATS, help_text="Empty: all of the account."
    )
    days = forms.IntegerField(
        label="Days", required=False, min_value=1, max_value=_MOST_DAYS, help_text="Empty: without end."
    )
    later_versions = forms.BooleanField(
        label="Versions to come are included", required=False, initial=True, help_text="Else the newest one only."
    )
    text = forms.CharField(
        label="A text of your own",
        required=False,
        max_length=_LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Empty: the site’s own terms for this use.",
    )
    yes = forms.MultipleChoiceField(
        label="Your text answers with yes",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=list(QUESTIONS.items()),
        help_text="Only with a text of your own. Buyers see the answers before the text.",
    )

    def clean_price(self) -> int:
        """The price in minor units."""
        price: Decimal = self.cleaned_data["price"] or Decimal(0)
        if 0 < price < _LEAST_PRICE:
            raise forms.ValidationError(
                f"Cards are not charged less than {_LEAST_PRICE}. Ask for more, or for nothing."
            )
        return int(price * 100)

    def clean(self) -> dict[str, Any]:
        """Answers without a text would be answers to nothing."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("yes") and not cleaned.get("text", "").strip():
            self.add_error("yes", "The site’s own terms have their answers. Write a text of your own, or tick none.")
        return cleaned

    def wording(self) -> Wording:
        """The wording that was asked for."""
        own = STANDARD[self.cleaned_data["kind"]].wording
        text = self.cleaned_data["text"].strip()
        return Wording(own.title, text, frozenset(self.cleaned_data["yes"])) if text else own
