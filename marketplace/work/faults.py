"""Why a piece of work could not be done, and whose fault it is: the type says who is told and who pays."""

from __future__ import annotations

from typing import ClassVar, Literal

Owner = Literal["seller", "platform", "buyer"]


class WorkFault(Exception):
    """The piece was not done. ``message`` is a sentence for people.

    ``again`` says that another attempt may succeed (a process was killed); without it the piece fails at once.
    """

    owner: ClassVar[Owner]

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.again = again


class SellerFault(WorkFault):
    """The generator is at fault."""

    owner = "seller"


class BuyerFault(WorkFault):
    """What the buyer asked for, or sent, is at fault."""

    owner = "buyer"


class PlatformFault(WorkFault):
    """We are at fault."""

    owner = "platform"


class LeaseLost(Exception):
    """The lease lapsed and the piece was offered to somebody else: nothing of this attempt may be kept."""
