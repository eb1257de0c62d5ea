"""The forms that stand around a generator's own settings: how much to make, and what a dataset is called."""

from __future__ import annotations

from typing import Any

from django import forms

from catalog import cards
from catalog.models import Dataset, Listing
from marketplace.accounts.models import Account
from marketplace.accounts.models.account import refuse_reserved

_LARGEST = 100_000_000


class AmountForm(forms.Form):
    """How many units, and which share of them is kept as a test split."""

    units = forms.IntegerField(
        min_value=1,
        max_value=_LARGEST,
        help_text="How many to make of what this generator counts: rows, customers, pictures, parts. "
        f"At most {_LARGEST:,}.",
    )
    test_share = forms.IntegerField(
        label="Test split, %",
        min_value=0,
        max_value=50,
        initial=0,
        required=False,
        help_text="The share of units that goes into a split called “test”. 0 makes one split, “train”.",
    )

    def splits(self) -> list[dict[str, object]]:
        """The splits as a run takes them."""
        percent = self.cleaned_data.get("test_share") or 0
        if not percent:
            return [{"name": "train", "share": 1.0}]
        return [{"name": "train", "share": 1 - percent / 100}, {"name": "test", "share": percent / 100}]


class AboutForm(forms.Form):
    """What a dataset is, in a title and in one sentence."""

    title = forms.CharField(max_length=160, help_text="What buyers read first. Up to 160 characters.")
    summary = forms.CharField(
        max_length=300,
        help_text="One sentence: what a row is, and what makes this dataset worth having. Up to 300 characters.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    domain = forms.ChoiceField(
        label="Subject",
        choices=Listing.Domain.choices,
        initial=Listing.Domain.OTHER,
        help_text="What it is about. Buyers filter by it.",
    )


class ListingForm(AboutForm):
    """All that a seller says of a dataset."""

    domain = forms.ChoiceField(
        required=False, choices=Listing.Domain.choices, help_text="Where buyers look for it: a filter of the shelves."
    )
    card = forms.CharField(
        required=False,
        max_length=cards.LONGEST,
        help_text="How it was made, what it is meant for, and what is known to be missing. Markdown: headings, lists, "
        f"tables, links and code; no pictures, no HTML. Up to {cards.LONGEST:,} characters.",
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono"}),
    )


class DatasetForm(AboutForm):
    """What a new dataset of ``account`` is called, and what it is."""

    field_order = ("name", "title", "summary", "domain")

    name = forms.CharField(
        max_length=80,
        validators=[*Dataset._meta.get_field("name").validators, refuse_reserved],
        help_text="The name in addresses: 2 to 80 of a–z, 0–9 and the hyphen, not the hyphen first. It stays.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, account: Account, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._account = account

    def clean_name(self) -> str:
        """Refuse a name that the account has given already."""
        name: str = self.cleaned_data["name"]
        if Dataset.objects.filter(account=self._account, name=name).exists():
            raise forms.ValidationError(f"You have a dataset called “{name}”. Choose another name.", code="taken")
        return name


class ReasonForm(forms.Form):
    """Why something is done, for those who are told of it."""

    reason = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
