"""What the way through us costs a buyer: a download by our redirect, and ``load_dataset`` from our address."""

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
    importlib.import_module("tests.bench.fetching").measure()


if __name__ == "__main__":
    main()
