"""What an upload may be at most, and the list of what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

#: The rule of k: what fewer people than this hold is never carried over ("Always true" 1).
K = 10


@dataclass(frozen=True)
class Limits:
    """Bounds of one upload; sizes in bytes. ``holdout_key`` (hex) decides which rows are withheld from fitting.

    Of small tables more than ``holdout_share`` are, up to ``holdout_most`` of them, so that they come to about
    ``holdout_rows``: of fewer than fifty nobody could say how private what is made is. ``least_rows`` are left.
    ``identifier`` names the column that tells people apart, if the buyer said so: the hold-out is then whole people.
    """

    holdout_key: str
    identifier: str | None = None
    holdout_share: float = 0.1
    holdout_most: float = 0.25
    holdout_rows: int = 75
    columns: int = 1_000
    least_rows: int = 100
    cell_bytes: int = 1 << 20
    name_characters: int = 120
    decoded_bytes: int = 1 << 30
    memory_bytes: int = 512 << 20

    def withheld(self, rows: int) -> float:
        """Return the share of so many rows that is withheld; of people, who have several, always the same."""
        if not self.holdout_share or self.identifier is not None or not rows:
            return self.holdout_share
        wanted = min(self.holdout_rows / rows, 1 - self.least_rows / rows, self.holdout_most)
        return max(self.holdout_share, wanted)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Limits:
        """Take the known members of ``given``; raises ``ValueError`` when ``holdout_key`` is missing or not hex."""
        known = {one.name for one in fields(cls)}
        key = given.get("holdout_key")
        if not isinstance(key, str) or len(bytes.fromhex(key)) < 16:
            raise ValueError("holdout_key must be at least 16 bytes in hex")
        return cls(**{name: value for name, value in given.items() if name in known})


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an upload. ``row`` counts from 1, the header line of a CSV file being row 1."""

    code: str
    message: str
    remedy: str
    field: str = "file"
    row: int | None = None
    column: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass
class Faults:
    """Collects faults: the first few of each code in full, so that one bad column cannot hide the others."""

    per_code: int = 5
    at_most: int = 40
    found: list[Fault] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, fault: Fault) -> None:
        seen = self.counts.get(fault.code, 0)
        self.counts[fault.code] = seen + 1
        if seen < self.per_code and len(self.found) < self.at_most:
            self.found.append(fault)

    def clear(self) -> None:
        """Forget all of them."""
        self.found.clear()
        self.counts.clear()

    def as_json(self) -> dict[str, Any]:
        """Return ``{"problems": […], "unlisted": n}``: ``n`` further faults are of the same kinds."""
        problems = [fault.as_json() for fault in self.found]
        return {"problems": problems, "unlisted": sum(self.counts.values()) - len(problems)}


class UnreadableError(Exception):
    """The upload cannot be read any further; carries the fault that says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault
