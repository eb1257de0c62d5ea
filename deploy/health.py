"""Ask the web process of this container for ``/healthz``; end with 0 when it is well. The image has no curl."""

import http.client
import os
import sys
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 8


def main() -> int:
    """Ask by the site's own name, the only one that the site answers to."""
    site = urlsplit(os.environ["PUBLIC_URL"]).netloc
    web = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("GRANIAN_PORT", "8000")), timeout=_PATIENCE_SECONDS
    )
    try:
        web.request("GET", "/healthz", headers={"Host": site})
        answer = web.getresponse()
        sys.stdout.write(f"{answer.status} {answer.read(200).decode(errors='replace')}\n")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{type(error).__name__}\n")
        return 1
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
