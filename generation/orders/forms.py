"""The forms that stand around a generator's own settings: the upload before them, what the order depends on after."""

from __future__ import annotations

from typing import Any

from django import forms

from generation.orders import thresholds
from generation.orders.thresholds import Threshold
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

    def thresholds(self) -> list[Threshold]:
        """The bounds that were set."""
        given = ((measure.name, self.cleaned_data.get(measure.name)) for measure in self._measures)
        return [Threshold(name, float(percent / 100)) for name, percent in given if percent is not None]
