"""Who refers to blobs: each part says so in its own ``references`` module, since storage knows no part.

A part registers a function that is given digests and returns those that it refers to. What a part stores and forgets to
register here is collected after a day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

#: Of the digests given, those that the part refers to.
Refers = Callable[[Collection[str]], Iterable[str]]

_parts: list[Refers] = []


def register(refers: Refers) -> Refers:
    """Have ``refers`` asked before any blob is collected."""
    _parts.append(refers)
    return refers


def registered() -> tuple[Refers, ...]:
    """All that are asked."""
    return tuple(_parts)


def among(digests: Collection[str]) -> set[str]:
    """Those of ``digests`` to which some part refers. Raises RuntimeError when no part has registered."""
    if not _parts:
        raise RuntimeError("no part has said to which blobs it refers; nothing may be collected")
    found: set[str] = set()
    for refers in _parts:
        if left := set(digests) - found:
            found.update(refers(left))
    return found
