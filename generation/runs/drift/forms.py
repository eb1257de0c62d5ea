"""The two ways to compare a table with a version: send it, or describe it by a sketch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from catalog.models import Version
from generation.quality.judge.drift.reading import MOST_BYTES
from generation.runs.drift.checks import Asked
from marketplace.web import uploads
from marketplace.web.problems import Fault


class _BesideForm(forms.Form):
    """What a table is set beside: a configuration, asked for where there are several."""

    table = forms.ChoiceField(label="Beside")

    def __init__(self, *args: Any, version: Version, **options: Any) -> None:
        super().__init__(*args, **options)
        self._version = version
        names = [table["name"] for table in version.layout["tables"]]
        self.fields["table"] = forms.ChoiceField(label="Beside", choices=[(name, name) for name in names])
        if len(names) == 1:
            self.fields["table"].widget = forms.HiddenInput()
            self.fields["table"].initial = names[0]

    def asked(self) -> Asked:
        """What a valid form asks for."""
        return Asked(self._version, self.cleaned_data["table"], self.cleaned_data.get("target", ""))

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Show what was found beyond the form at the fields that it names."""
        for fault in faults:
            first, _, rest = fault.field.partition(".")
            field = first if first in self.fields and not self.fields[first].widget.is_hidden else None
            self.add_error(field, " ".join(filter(None, [f"{rest}:" if rest else "", fault.message, fault.remedy])))


class TableForm(_BesideForm):
    """A CSV or Parquet file, and what a model is to predict. ``cut_off``: the file that was sent was too large."""

    file = forms.FileField(label="Your table")
    target = forms.ChoiceField(
        label="Target",
        required=False,
        help_text="A column that a model that learns from this version is to predict. The report says whether it would "
        "fail on your table.",
    )

    def __init__(self, *args: Any, version: Version, cut_off: bool = False, **options: Any) -> None:
        super().__init__(*args, version=version, **options)
        limit = uploads.largest_upload()
        file = self.fields["file"]
        file.help_text = f"CSV in UTF-8 with a header line, or Parquet; up to {limit}. It is deleted right after."
        if cut_off:
            file.error_messages["required"] = (
                f"The file is too large; the limit is {limit}. Send a sample, or a sketch."
            )
        names = dict.fromkeys(column["name"] for table in version.layout["tables"] for column in table["schema"])
        self.fields["target"] = forms.ChoiceField(
            label=self.fields["target"].label,
            required=False,
            help_text=self.fields["target"].help_text,
            choices=[("", "none"), *((name, name) for name in names)],
            initial=version.recipe["parameters"].get("target") or "",
        )


class SketchForm(_BesideForm):
    """A sketch as a file, or pasted."""

    sketch_file = forms.FileField(label="Sketch as a file", required=False)
    sketch = forms.CharField(
        label="Or paste it",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
    )

    def clean(self) -> dict[str, Any]:
        """One of the two, and no more than a sketch has."""
        super().clean()
        file, pasted = self.cleaned_data.get("sketch_file"), self.cleaned_data.get("sketch")
        if bool(file) == bool(pasted) and not self.errors:
            self.add_error("sketch", "Choose a file, or paste the sketch; one of the two.")
        if file and (file.size or 0) > MOST_BYTES:
            self.add_error("sketch_file", f"The file has {file.size:,} bytes; a sketch has {MOST_BYTES:,} at most.")
        return self.cleaned_data

    def text(self) -> bytes:
        """The sketch of a valid form."""
        if file := self.cleaned_data.get("sketch_file"):
            read: bytes = file.read()
            return read
        return str(self.cleaned_data["sketch"]).encode()

    def name(self) -> str:
        """What its file is called, if it is one."""
        file = self.cleaned_data.get("sketch_file")
        return str(file.name or "") if file else "sketch.json"
