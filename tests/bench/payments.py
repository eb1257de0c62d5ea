"""What payments cost: events taken in, and purchases from the click to the licence, against their bare rows."""

from __future__ import annotations

import importlib
import os

import django

from tests import services


def main() -> None:
    """Start PostgreSQL, Valkey, S3 and the stand-in for Stripe as for the tests, then measure."""
    services.pytest_load_initial_conftests()
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    django.setup()
    # Models can be imported from here on, not before.
    importlib.import_module("tests.bench.paying").measure()


if __name__ == "__main__":
    main()
