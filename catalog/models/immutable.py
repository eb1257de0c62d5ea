"""Rows that the database itself refuses to change or to delete."""

from __future__ import annotations

import pgtrigger


def immutable() -> list[pgtrigger.Trigger]:
    """Triggers that refuse UPDATE and DELETE of each row, by ORM and by SQL.

    TRUNCATE is refused by a statement trigger that a migration adds everywhere but in test databases, which are
    emptied between tests.
    """
    return [pgtrigger.Protect(name="never_changes", operation=pgtrigger.Update | pgtrigger.Delete)]
