"""The forms of staff: a decision with its reasons, and a withdrawal."""

from __future__ import annotations

from typing import Any

from django import forms


class DecisionForm(forms.Form):
    """Approve, or refuse with reasons that the seller reads."""

    decision = forms.ChoiceField(
        widget=forms.RadioSelect, choices=[("approve", "Put it on the shelf"), ("refuse", "Refuse it")]
    )
    reasons = forms.CharField(
        required=False,
        max_length=4000,
        help_text="For a refusal: what is wrong and what would mend it. The seller reads it and may appeal once.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    @property
    def approves(self) -> bool:
        """Was the valid form for approving?"""
        return bool(self.cleaned_data["decision"] == "approve")

    def clean(self) -> dict[str, Any]:
        """A refusal has reasons."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("decision") == "refuse" and not cleaned.get("reasons", "").strip():
            self.add_error("reasons", "Say why: the seller reads the reasons and may answer them.")
        return cleaned


class DestroyForm(forms.Form):
    """The number of a version typed again, so that its bytes are destroyed: it cannot be undone."""

    number = forms.CharField(label="Version number, typed again", max_length=20)

    def __init__(self, number: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._number = number

    def clean_number(self) -> str:
        """The very number of the version."""
        typed: str = self.cleaned_data["number"].strip()
        if typed != self._number:
            raise forms.ValidationError(f"This version is {self._number}. Type that number if you mean it.")
        return typed


class WithdrawalForm(DestroyForm):
    """Beside the number, why staff destroy a version's bytes."""

    field_order = ("reason", "number")

    reason = forms.CharField(
        max_length=1000,
        help_text="Shown in place of the data, to everybody who saw the version.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
