"""``python -m tests.migrations_complete``: do the migrations say all that the models say? Needs no server."""

from __future__ import annotations

import os
import sys

_NOWHERE = {
    "SECRET_KEY": "for looking at models only",
    "PUBLIC_URL": "http://localhost",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DJANGO_SETTINGS_MODULE": "marketplace.settings",
}


def main() -> None:
    """Exit with an error when a migration is missing."""
    os.environ.update(_NOWHERE)
    import warnings

    from django.core.management import execute_from_command_line

    # The check of applied migrations has no database to ask; it is not what is looked at here.
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    execute_from_command_line(["manage.py", "makemigrations", "--check", "--dry-run"])


if __name__ == "__main__":
    sys.exit(main())
