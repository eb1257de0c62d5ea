"""The forms that stand around a generator's own settings: the upload, and how much to make."""

from __future__ import annotations

from typing import Any

from django import forms

from marketplace.web import uploads

_LARGEST_ORDER = 100_000_000


class UploadForm(forms.Form):
    """A CSV or Parquet file, and which of its columns identifies a person. ``cut_off``: the file sent was too large."""

    file = forms.FileField(label="File")
    identifier = forms.CharField(
        label="Identifying column",
        required=False,
        max_length=200,
        help_text="If a person has several rows: the column that identifies the person. Otherwise leave it empty.",
    )

    def __init__(self, *args: Any, cut_off: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        limit = uploads.largest_upload()
        file = self.fields["file"]
        file.help_text = (
            f"CSV in UTF-8 with a header line, or Parquet; up to {limit}. It is deleted when your order ends."
        )
        if cut_off:
            file.error_messages["required"] = f"The file is too large; the limit is {limit}. Send a sample of its rows."


class AmountForm(forms.Form):
    """How many units, and which share of them is kept as a test split."""

    units = forms.IntegerField(
        min_value=1,
        max_value=_LARGEST_ORDER,
        help_text="How many to make of what this generator counts: rows, customers, pictures, parts. "
        f"At most {_LARGEST_ORDER:,}.",
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
