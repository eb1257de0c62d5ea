"""Empties the database between tests: those tables that have rows, by one transaction."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connection, transaction

#: What is there before the first test: Django fills these when it migrates.
_KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})


class Command(flush.Command):
    """Django's ``flush`` in a fraction of its time: it truncates all tables, and fills Django's own again.

    The role of the database must be a superuser, for no trigger may refuse and no key be followed.
    """

    def handle(self, **options: Any) -> None:
        """Delete all rows."""
        names = [name for name in connection.introspection.table_names() if name not in _KEPT]
        quoted = {name: connection.ops.quote_name(name) for name in names}
        asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {quoted[name]})" for name in names)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(asked)
            found = [name for (name,) in cursor.fetchall()]
            if found:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute("; ".join(f"DELETE FROM {quoted[name]}" for name in found))
