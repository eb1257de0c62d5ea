"""What can go wrong in a run, told by whose fault it is: the type says who is told and who pays."""

from __future__ import annotations

from typing import ClassVar, Literal

Owner = Literal["seller", "platform", "buyer"]


class RunnerFault(Exception):
    """Something asked of a runner was not done. ``message`` is a sentence for people, ``log`` the child's last words.

    ``again`` says whether another attempt at the same thing may succeed (a killed process), or not (a wrong schema).
    """

    owner: ClassVar[Owner]

    def __init__(self, message: str, *, log: str = "", again: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.log = log
        self.again = again


class GeneratorFault(RunnerFault):
    """The generator is at fault: it raised, broke its contract or went beyond what it was given."""

    owner = "seller"


class PlatformFault(RunnerFault):
    """We are at fault: a process was killed, a disk is full, a job names another version than the one installed."""

    owner = "platform"


class SourceFault(RunnerFault):
    """The buyer's upload is at fault, in a way that its parser could not put in words (time, memory)."""

    owner = "buyer"


class CancelledFault(PlatformFault):
    """``kill`` was called while something was under way; nothing of it is kept."""
