"""Serve the stand-in: ``python -m marketplace.local.stripe HOME PORT``."""

from __future__ import annotations

import os
import sys

from granian import Granian
from granian.constants import Interfaces


def main() -> None:
    """Serve on loopback until a signal ends it."""
    home, port = sys.argv[1:]
    os.environ["STRIPE_STANDIN_HOME"] = home
    Granian(
        "marketplace.local.stripe.server:from_environment",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,
        log_access=False,
        backlog=1024,
    ).serve()


if __name__ == "__main__":
    main()
