"""Forms for reporting a problem and for answering one."""

from __future__ import annotations

from typing import Any

from django import forms

from catalog.models import ProblemAnswer

_LONGEST = 4000


class ReportForm(forms.Form):
    """What is wrong with a version."""

    title = forms.CharField(label="What is wrong", max_length=120, help_text="In one line, up to 120 characters.")
    text = forms.CharField(
        label="How you see it",
        max_length=_LONGEST,
        help_text=f"Files, columns, rows, what you expected, and how to see it again. Up to {_LONGEST:,} characters.",
        widget=forms.Textarea(attrs={"rows": 8}),
    )


class AnswerForm(forms.Form):
    """What is written to a report; whoever speaks for the seller or the site may say that it is resolved."""

    text = forms.CharField(label="Your answer", max_length=_LONGEST, widget=forms.Textarea(attrs={"rows": 4}))
    resolved = forms.BooleanField(label="This resolves the problem", required=False)

    def __init__(self, *args: Any, voice: str, **options: Any) -> None:
        super().__init__(*args, **options)
        if voice == ProblemAnswer.Voice.REPORTER:
            del self.fields["resolved"]
            self.fields["text"].label = "Add to your report"
