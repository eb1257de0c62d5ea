"""Forms about sellers' money: an answer to a payout hold, and what staff decide."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

_LONGEST = 4000
_FURTHEST = timedelta(days=90)
_LIFT = ("lift", "Lift it: what is due is sent")


class AnswerForm(forms.Form):
    """What a seller says to a hold."""

    answer = forms.CharField(
        label="Your answer",
        max_length=_LONGEST,
        help_text=f"What staff should know, with links to evidence. Up to {_LONGEST:,} characters; more may be added.",
        widget=forms.Textarea(attrs={"rows": 8}),
    )


class HoldForm(forms.Form):
    """Why a seller's money is kept back, what would lift that, and by when it is looked at again."""

    reason = forms.CharField(
        max_length=_LONGEST,
        help_text="What happened. The seller reads it word for word.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    evidence_wanted = forms.CharField(
        label="What would lift it",
        max_length=_LONGEST,
        help_text="The evidence that you want to see.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    review_by = forms.DateField(
        label="Reviewed by",
        help_text=f"A day from tomorrow on, at most {_FURTHEST.days} days away.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean_review_by(self) -> date:
        """A day to come, and not too far away."""
        day: date = self.cleaned_data["review_by"]
        today = timezone.now().date()
        if not today < day <= today + _FURTHEST:
            raise forms.ValidationError(
                f"{day} is not within the next {_FURTHEST.days} days. Choose a day from tomorrow on."
            )
        return day


class DecisionForm(forms.Form):
    """Lift a hold, or uphold it, with reasons that the seller reads."""

    decision = forms.ChoiceField(widget=forms.RadioSelect, choices=[_LIFT, ("uphold", "Uphold it")])
    reasons = forms.CharField(max_length=_LONGEST, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, upheld: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if upheld:
            self.fields["decision"] = forms.ChoiceField(widget=forms.RadioSelect, choices=[_LIFT])

    @property
    def lifts(self) -> bool:
        """Was the valid form for lifting?"""
        return bool(self.cleaned_data["decision"] == "lift")


class CommissionForm(forms.Form):
    """A seller's commission, in per cent."""

    commission = forms.DecimalField(
        label="Commission, per cent",
        min_value=0,
        max_value=100,
        decimal_places=2,
        help_text="Of what buyers pay without tax, 0 to 100 with two decimals. For payments that begin from now on.",
    )

    @property
    def basis_points(self) -> int:
        """The valid commission in basis points."""
        return int(self.cleaned_data["commission"] * 100)
