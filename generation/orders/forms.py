"""The forms that stand around a generator's own settings: the upload before them, what the order depends on after."""

from __future__ import annotations

from typing import Any

from django import forms

from generation.runs.models import Source
from marketplace.web import uploads


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


class KeptForm(forms.Form):
    """In place of the amount, where rows of the upload come back: how many come out follows from it, in one split."""

    def __init__(self, source: Source) -> None:
        super().__init__({})
        self._source = source

    def amount(self) -> int:
        """As many as the upload has rows, until the quote says how many come out."""
        tables = (self._source.facts or {"tables": {}})["tables"]
        return max(1, sum(int(table["rows"]) for table in tables.values()))

    def splits(self) -> list[dict[str, object]]:
        """One split: made rows belong into no test."""
        return [{"name": "train", "share": 1.0}]
