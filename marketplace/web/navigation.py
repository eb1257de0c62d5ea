"""The way around the site: only parts that are installed appear."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

#: Word in the header and the URL name behind it, in the order of reading.
_ITEMS = (
    ("Browse", "catalog:browse"),
    ("Generators", "runs:generators"),
    ("Orders", "orders:list"),
    ("Library", "catalog:library"),
    ("Sell", "runs:sell"),
    ("API", "site:api-reference"),
)


@dataclass(frozen=True)
class Item:
    """One link of the header; ``current`` when the page shown lies under it."""

    word: str
    address: str
    current: bool


def items(path: str) -> tuple[Item, ...]:
    """The links of the header for the page at ``path``; a part that is left out of the deployment has none."""
    found = [(word, address) for word, name in _ITEMS if (address := _address(name))]
    lying = [
        address
        for _, address in found
        if path == address or (address != "/" and path.startswith(address.rstrip("/") + "/"))
    ]
    nearest = max(lying, key=len, default=None)
    return tuple(Item(word, address, address == nearest) for word, address in found)


def _address(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
