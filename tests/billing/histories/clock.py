"""One clock for us, our database and the Stripe stand-in, which goes forward when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.stripe_world import StripeWorld

# Whoever says ``now`` to the database is answered by the first of these functions on the search path.
_MAKE = """
CREATE SCHEMA IF NOT EXISTS moved_clock;
CREATE OR REPLACE FUNCTION moved_clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.statement_timestamp() + coalesce(nullif(current_setting('moved.by', true), ''), '0')::interval
$$;
SET search_path TO moved_clock, pg_catalog, public;
"""
# A column that says when its row was made remembers which function it asks: it is told again.
_ASK_AGAIN = """
DO $$
DECLARE it record;
BEGIN
    FOR it IN SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default LIKE '%statement_timestamp()'
    LOOP
        EXECUTE format(
            'ALTER TABLE %I ALTER COLUMN %I SET DEFAULT statement_timestamp()', it.table_name, it.column_name
        );
    END LOOP;
END $$;
"""
_REMOVE = f"RESET search_path; RESET moved.by; {_ASK_AGAIN} DROP SCHEMA moved_clock CASCADE;"


class Clock:
    """How far ahead of real time it is. Each history begins at real time."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return _REAL_NOW() + self.ahead

    def reset(self) -> None:
        """Be at real time again; the next history has another world."""
        self._tell(timedelta(0))

    def forward(self, by: timedelta, world: StripeWorld) -> None:
        """Let time pass everywhere, at Stripe first."""
        world.clock_forward(by)
        self._tell(self.ahead + by)

    def _tell(self, ahead: timedelta) -> None:
        self.ahead = ahead
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('moved.by', %s, false)", [f"{ahead.total_seconds()} seconds"])


_REAL_NOW = timezone.now


@contextmanager
def moved(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A clock that this process and its database go by until the end."""
    clock = Clock()
    with connection.cursor() as cursor:
        cursor.execute(_MAKE + _ASK_AGAIN)
    monkeypatch.setattr(timezone, "now", clock.now)
    try:
        yield clock
    finally:
        with connection.cursor() as cursor:
            cursor.execute(_REMOVE)
