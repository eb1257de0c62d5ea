"""The forms that stand around a generator's own settings: how much to make, and what a dataset is called."""

from __future__ import annotations

from django import forms

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
