"""Problems that people report of a version, and what is answered: for everybody who may see the dataset to read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.version import Version
from marketplace.accounts.models import Account, User


class ProblemReport(models.Model):
    """open → answered → resolved; whoever reported it opens it again by writing more."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        ANSWERED = "answered", "answered"
        RESOLVED = "resolved", "resolved"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(Version, models.PROTECT, related_name="problems")
    account = models.ForeignKey(Account, models.PROTECT, related_name="reported_problems")
    reporter = models.ForeignKey(User, models.PROTECT, related_name="+")
    title = models.CharField(max_length=120)
    text = models.TextField(max_length=4000)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    reported_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["version", "-reported_at"], name="problem_by_version"),
            models.Index(fields=["account", "-reported_at"], name="problem_by_account"),
        ]

    def __str__(self) -> str:
        return self.title


class ProblemAnswer(models.Model):
    """What the seller, staff or the reporter wrote to a report. Only added to."""

    class Voice(models.TextChoices):
        SELLER = "seller", "seller"
        STAFF = "staff", "staff of the marketplace"
        REPORTER = "reporter", "reporter"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    report = models.ForeignKey(ProblemReport, models.CASCADE, related_name="answers")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    voice = models.CharField(max_length=8, choices=Voice)
    text = models.TextField(max_length=4000)
    answered_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["author", "-answered_at"], name="answer_by_author")]

    def __str__(self) -> str:
        return f"{self.voice} to {self.report_id}"
