"""Ten million rows from what was learned of a table, and a category of a million levels, through the whole platform."""

from __future__ import annotations

import importlib
import os

import django

from tests import services


def main() -> None:
    """Start PostgreSQL, Valkey and S3 as for the tests, then measure."""
    services.pytest_load_initial_conftests()
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    django.setup()
    # Models can be imported from here on, not before.
    importlib.import_module("tests.bench.fitted").measure()


if __name__ == "__main__":
    main()
