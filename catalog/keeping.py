"""Versions that hold rows of their owner's upload: private for ever, and destroyed when their owner wants that.

``sdk.Keeper`` says which generators make them. What the database refuses (``catalog.models.keeping``) is refused here
first, in words.
"""

from __future__ import annotations

from catalog import withdrawing
from catalog.models import Version

_DESTROYED = "Its owner had it destroyed."


def destroy(version: Version, reason: str = _DESTROYED) -> None:
    """Have the bytes of ``version`` destroyed: rows of a person's upload stay no longer than their owner wants them.

    Raises ValueError for a version that holds none, or that is withdrawn already.
    """
    if not version.keeps_rows:
        raise ValueError(f"{version} holds no rows of an upload; licence holders keep what they have")
    withdrawing.withdraw(version, reason)
