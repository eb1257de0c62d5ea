"""The signed certificate of a licence, and the list that says in two bits whether it still holds."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.licence import Licence

#: How many certificates a status list has room for, all from its first day: its length tells no sales.
ENTRIES = 1 << 17


class StatusList(models.Model):
    """A Token Status List at an address of its own. What it says is read from the licences of its certificates."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.id)


class Certificate(models.Model):
    """What a licence says of itself, signed. ``index`` is its place in the status list, drawn at random, never reused.

    The body never changes. The signature does if its key was compromised: the same body is signed by another key.
    """

    licence = models.OneToOneField(Licence, models.PROTECT, primary_key=True, related_name="certificate")
    status_list = models.ForeignKey(StatusList, models.PROTECT, related_name="certificates")
    index = models.PositiveIntegerField()
    kid = models.CharField(max_length=43, db_index=True)
    token = models.TextField()
    issued_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["status_list", "index"], name="one_certificate_an_entry"),
            models.CheckConstraint(condition=models.Q(index__lt=ENTRIES), name="entry_in_its_list"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="says_the_same",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.licence_id <> NEW.licence_id OR OLD.status_list_id <> NEW.status_list_id "
                    'OR OLD."index" <> NEW."index" OR OLD.issued_at <> NEW.issued_at OR OLD.kid = NEW.kid '
                    "OR split_part(OLD.token, '.', 2) <> split_part(NEW.token, '.', 2)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"certificate of {self.licence_id}"
