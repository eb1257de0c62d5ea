"""Versions that hold rows of their owner's upload: the database itself refuses every way in which they could leave it.

A version says so in its recipe (``source.kept``). Its dataset is never listed, so nothing of it is ever public; no
other account gets a licence, so nobody else reads it, on a page, by a token or through the hub; and it is never given
to another account. ``catalog.keeping`` says the same in words before it comes to that.
"""

from __future__ import annotations

import pgtrigger
from django.db import models

#: What the recipe of such a version says.
KEPT = models.Q(recipe__source__kept=True)


def never_listed() -> pgtrigger.Trigger:
    """A trigger of listings: none of a dataset with such a version. It waits for one that is being published."""
    return pgtrigger.Trigger(
        name="never_of_own_rows",
        operation=pgtrigger.Insert | pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
        PERFORM 1 FROM catalog_dataset WHERE id = NEW.dataset_id FOR NO KEY UPDATE;
        IF EXISTS (SELECT 1 FROM catalog_version v WHERE v.dataset_id = NEW.dataset_id
            AND v.recipe #>> '{source,kept}' = 'true') THEN
            RAISE EXCEPTION 'pgtrigger: it holds rows of its owner''s upload, which never leave the owner';
        END IF;
        RETURN NEW;
        """,
    )


def never_licensed_away() -> pgtrigger.Trigger:
    """A trigger of licences: none to another account, of a dataset with such a version."""
    return pgtrigger.Trigger(
        name="never_of_anothers_rows",
        operation=pgtrigger.Insert | pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
        IF EXISTS (
            SELECT 1 FROM catalog_version v JOIN catalog_dataset d ON d.id = v.dataset_id
            WHERE (v.id = NEW.version_id OR v.dataset_id = NEW.dataset_id)
                AND d.account_id <> NEW.account_id AND v.recipe #>> '{source,kept}' = 'true'
        ) THEN
            RAISE EXCEPTION 'pgtrigger: it holds rows of its owner''s upload, which never leave the owner';
        END IF;
        RETURN NEW;
        """,
    )


def never_given_away() -> pgtrigger.Trigger:
    """A trigger of datasets: one with such a version stays with its account."""
    return pgtrigger.Trigger(
        name="own_rows_stay",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        func="""
        IF NEW.account_id <> OLD.account_id
            AND EXISTS (SELECT 1 FROM catalog_version v WHERE v.dataset_id = NEW.id
                AND v.recipe #>> '{source,kept}' = 'true') THEN
            RAISE EXCEPTION 'pgtrigger: it holds rows of its owner''s upload, which never leave the owner';
        END IF;
        RETURN NEW;
        """,
    )


def never_where_others_are() -> pgtrigger.Trigger:
    """A trigger of versions: such a one never comes into a dataset that is listed or that others hold."""
    return pgtrigger.Trigger(
        name="own_rows_stay_alone",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
        IF NEW.recipe #>> '{source,kept}' = 'true' AND (
            EXISTS (SELECT 1 FROM catalog_listing WHERE dataset_id = NEW.dataset_id)
            OR EXISTS (
                SELECT 1 FROM catalog_licence l JOIN catalog_dataset d ON d.id = l.dataset_id
                WHERE l.dataset_id = NEW.dataset_id AND l.account_id <> d.account_id
            )
        ) THEN
            RAISE EXCEPTION 'pgtrigger: it holds rows of its owner''s upload, which never leave the owner';
        END IF;
        RETURN NEW;
        """,
    )
