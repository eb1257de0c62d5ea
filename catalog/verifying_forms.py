"""The form in which anyone checks what they were shown."""

from __future__ import annotations

from uuid import UUID

from django import forms

_LONGEST = 20_000


class ShownForm(forms.Form):
    """A certificate, or the id of a licence."""

    shown = forms.CharField(
        label="Certificate, or id of a licence",
        max_length=_LONGEST,
        help_text="The text of the .jwt file, from the first letter to the last; or the id alone. It is not kept.",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_shown(self) -> str:
        """What was pasted, without the breaks that mail and paper put into it."""
        return "".join(self.cleaned_data["shown"].split())

    @property
    def licence_id(self) -> UUID | None:
        """The id, where nothing else was pasted."""
        try:
            return UUID(self.cleaned_data["shown"])
        except ValueError:
            return None
