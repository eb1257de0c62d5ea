"""Who gets which part of what a buyer pays. Parts are allocated cumulatively, so a whole refund returns each cent."""

from __future__ import annotations

from dataclasses import dataclass

_ALL = 10_000


@dataclass(frozen=True)
class Shares:
    """The parts of an amount in minor units: the tax in it, the platform's commission, and what is the seller's."""

    tax: int
    commission: int
    seller: int

    def __sub__(self, other: Shares) -> Shares:
        return Shares(self.tax - other.tax, self.commission - other.commission, self.seller - other.seller)


def shares(gross: int, tax: int, commission: int) -> Shares:
    """Split ``gross`` minor units, ``tax`` of them tax; ``commission`` is in basis points of what is left.

    A fraction of a cent is the seller's.
    """
    net = gross - tax
    kept = net * commission // _ALL
    return Shares(tax, kept, net - kept)


def refunded(whole: Shares, gross: int, total: int) -> Shares:
    """The parts of ``total`` minor units given back of ``gross``: in proportion, and all of it when all went back.

    Tax and commission are rounded together, so that what is the seller's never shrinks as more goes back.
    """
    tax = whole.tax * total // gross
    kept = (whole.tax + whole.commission) * total // gross
    return Shares(tax, kept - tax, total - kept)
