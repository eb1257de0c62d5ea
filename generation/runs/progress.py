"""How far a run is, as a page or a program shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from generation.runs.models import Run, RunEvent
from marketplace.web.plots import Rate, ShardCell

_CELLS = 400
_LOG_LINES = 12
_LEAST_RATES = 3


class ShardRow(NamedTuple):
    """What progress needs of a shard."""

    units: int
    units_done: int
    attempts: int
    bytes: int
    made_at: datetime | None


@dataclass(frozen=True)
class Cell:
    """One square of the picture of a run: so many shards, and the share of their units that is made (0 to 1)."""

    shards: int
    done: float
    made_again: bool


@dataclass(frozen=True)
class Progress:
    """A run at one moment: units and shards made of all, rate in units a second, seconds left if they can be told."""

    run: Run
    unit: str
    units_done: int
    shards_done: int
    shards: int
    bytes: int
    seconds: float
    rate: float | None
    seconds_left: float | None
    cells: list[Cell]
    rates: list[tuple[datetime, float]]
    log: list[RunEvent]
    at: datetime

    @property
    def share(self) -> float:
        """Units made of all, 0 to 1."""
        return self.units_done / self.run.units


def progress(run: Run) -> Progress:
    """Look at a run now; the number of queries does not depend on its size."""
    now = datetime.now(UTC)
    shards = [ShardRow(*row) for row in run.shards.order_by("position").values_list(*ShardRow._fields)]
    done = sum(shard.units_done for shard in shards)
    seconds = _seconds(run, now)
    rate = done / seconds if done and seconds else None
    left = (run.units - done) / rate if rate and run.state == Run.State.GENERATING else None
    return Progress(
        run=run,
        unit=run.layout["unit"] if run.layout else "unit",
        units_done=done,
        shards_done=sum(shard.made_at is not None for shard in shards),
        shards=len(shards),
        bytes=sum(shard.bytes for shard in shards),
        seconds=seconds,
        rate=rate,
        seconds_left=left,
        cells=_cells(shards),
        rates=_rates(run, shards),
        log=list(run.events.order_by("-at", "-id")[:_LOG_LINES]),
        at=now,
    )


def shard_cells(state: Progress) -> list[ShardCell]:
    """The squares of a run as pages draw them."""
    return [_drawn(cell) for cell in state.cells]


def rate_line(state: Progress) -> Rate | None:
    """The line of the rate as pages draw it, once there are enough points for one."""
    if len(state.rates) < _LEAST_RATES:
        return None
    moments, values = zip(*state.rates, strict=True)
    return Rate(moments, values, f"{state.unit}s")


def _drawn(cell: Cell) -> ShardCell:
    if cell.done >= 1:
        return ShardCell("done", cell.done, cell.made_again)
    return ShardCell("run" if cell.done else "waiting", cell.done, cell.made_again)


def _seconds(run: Run, now: datetime) -> float:
    if run.generating_at is None:
        return 0.0
    return max(((run.generated_at or run.ended_at or now) - run.generating_at) / timedelta(seconds=1), 0.001)


def _cells(shards: list[ShardRow]) -> list[Cell]:
    """At most 400 cells: beyond that one cell stands for several shards."""
    size = -(-len(shards) // _CELLS) or 1
    groups = [shards[first : first + size] for first in range(0, len(shards), size)]
    return [
        Cell(
            len(group),
            sum(shard.units_done for shard in group) / (sum(shard.units for shard in group) or 1),
            any(shard.attempts > 1 for shard in group),
        )
        for group in groups
    ]


def _rates(run: Run, shards: list[ShardRow]) -> list[tuple[datetime, float]]:
    """When a shard was made, and the units a second from the start up to then."""
    if run.generating_at is None:
        return []
    total, points = 0, []
    made = sorted((shard.made_at, shard.units) for shard in shards if shard.made_at is not None)
    for made_at, units in made:
        total += units
        elapsed = (made_at - run.generating_at) / timedelta(seconds=1)
        if elapsed > 0:
            points.append((made_at, total / elapsed))
    return points
