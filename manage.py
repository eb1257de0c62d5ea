#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["up"]:
        # The one-machine stack makes the environment that settings are read from, so it starts before Django does.
        from marketplace.local.stack import main

        sys.exit(main(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    from marketplace.local.running import join

    join(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    execute_from_command_line(sys.argv)
