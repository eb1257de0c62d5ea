"""Rows that the database itself refuses to change or to delete."""

from __future__ import annotations

import pgtrigger


def immutable() -> list[pgtrigger.Trigger]:
    """Triggers that refuse UPDATE and DELETE of each row, by ORM and by SQL.

    TRUNCATE is refused by a statement trigger that a migration adds everywhere but in test databases, which are
    emptied between tests.
    """
    return [pgtrigger.Protect(name="never_changes", operation=pgtrigger.Update | pgtrigger.Delete)]


def complete() -> pgtrigger.Trigger:
    """A trigger that refuses INSERT for a version whose manifest is there: such a version is complete."""
    return pgtrigger.Trigger(
        name="never_added",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
        IF EXISTS (SELECT 1 FROM catalog_manifest WHERE version_id = NEW.version_id) THEN
            RAISE EXCEPTION 'pgtrigger: the version is complete, nothing is added to %', TG_TABLE_NAME;
        END IF;
        RETURN NEW;
        """,
    )
