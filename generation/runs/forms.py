"""The forms that stand around a generator's own settings: how much to make, its name, what it must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import category

from django import forms

from catalog import cards
from catalog.models import Dataset, Listing
from generation.runs import thresholds
from generation.runs.checking import Problem
from generation.runs.thresholds import Threshold
from marketplace.accounts.models import Account
from marketplace.accounts.models.account import refuse_reserved
from marketplace.web.problems import Fault
from marketplace.web.schema_forms import BoundForm

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

    @staticmethod
    def saying(units: int, splits: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """What the fields hold for an amount and its splits: the other direction of ``amount`` and ``splits``."""
        test = sum(float(split["share"]) for split in splits if split["name"] == "test")
        return {"units": units, "test_share": round(100 * test)}

    def amount(self) -> int:
        """How many, of a valid form."""
        return int(self.cleaned_data["units"])

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

    def clean_title(self) -> str:
        """In one line: it stands in subjects of letters, in lists and in files that go by lines."""
        title = " ".join(self.cleaned_data["title"].split())
        if any(category(letter) == "Cc" for letter in title):
            raise forms.ValidationError("The title holds a hidden character. Type it again.", code="hidden")
        return title


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


class ThresholdForm(forms.Form):
    """Bounds that what is made must keep; a field for each measure that there will be, those of a source if there is
    one (``judged``).
    """

    def __init__(self, *args: Any, judged: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self._measures = thresholds.measures(judged=judged)
        for measure in self._measures:
            self.fields[measure.name] = forms.DecimalField(
                label=f"{measure.title}, {measure.side} %",
                required=False,
                min_value=0,
                max_value=100,
                decimal_places=2,
                help_text=f"{measure.hint} Empty: whatever it is.",
            )

    @staticmethod
    def saying(kept: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """What the fields hold for bounds as they are held: the other direction of ``thresholds``."""
        return {one["measure"]: round(100 * one["bound"], 2) for one in kept}

    def thresholds(self) -> list[Threshold]:
        """The bounds that were set."""
        given = ((measure.name, self.cleaned_data.get(measure.name)) for measure in self._measures)
        return [Threshold(name, float(percent / 100)) for name, percent in given if percent is not None]


def at_their_fields(problems: Sequence[Problem], around: Sequence[forms.Form], settings: BoundForm) -> BoundForm:
    """Put what the generator said at the fields that it is about: those of the bound forms ``around``, or ``settings``.

    Returns the settings with theirs; what is no form's field stands above them.
    """
    rest = []
    for problem in problems:
        words = f"{problem['message']} {problem['remedy']}"
        place = next((form for form in around if problem["field"] in form.fields), None)
        if place is None:
            rest.append(Fault(problem["field"], problem["message"], problem["remedy"]))
        elif words not in place.errors.get(problem["field"], []):
            place.add_error(problem["field"], words)
    return settings.with_faults(rest)
