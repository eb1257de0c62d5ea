"""How a run is cut: blocks into splits, splits into shards. Pure arithmetic, the same for the site and the shell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generation.runner.jobs import JsonObject

_SHARD_SECONDS = 15.0  # long enough that starting does not count, short enough to be made again without regret
_LEAST_SHARDS = 8  # so that several workers share a short run
_MOST_SHARDS = 400
_MOST_JUDGED_ROWS = 100_000
_MOST_JUDGED_CELLS = 8_000_000
_SAMPLE = 100  # the first shard of a split is about one part in this many: the free sample


@dataclass(frozen=True)
class ShardPlan:
    """Shard ``number`` of ``of`` of one split: ``blocks`` whole blocks from ``first_block``, of ``block`` units each.

    ``units`` counts what the shard really holds: the last block of a run may be cut short.
    """

    split: str
    number: int
    of: int
    first_block: int
    blocks: int
    first_unit: int
    units: int
    block: int


@dataclass(frozen=True)
class SplitPlan:
    """A contiguous range of units; ``shards`` says how many blocks each of its shards has."""

    name: str
    first_unit: int
    units: int
    shards: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """``units`` in blocks of ``block`` (the last may be shorter), divided into splits."""

    block: int
    units: int
    splits: tuple[SplitPlan, ...]

    def shards(self) -> Iterator[ShardPlan]:
        """Yield every shard, in the order of splits and numbers."""
        for split in self.splits:
            first_block = split.first_unit // self.block
            for number, blocks in enumerate(split.shards):
                first, stop = first_block * self.block, min((first_block + blocks) * self.block, self.units)
                yield ShardPlan(
                    split.name, number, len(split.shards), first_block, blocks, first, stop - first, self.block
                )
                first_block += blocks

    def as_json(self) -> JsonObject:
        return {
            "block": self.block,
            "units": self.units,
            "splits": [
                {"name": s.name, "first_unit": s.first_unit, "units": s.units, "shards": list(s.shards)}
                for s in self.splits
            ],
        }

    @classmethod
    def from_json(cls, value: JsonObject) -> Plan:
        """Read what ``as_json`` wrote."""
        splits = (SplitPlan(s["name"], s["first_unit"], s["units"], tuple(s["shards"])) for s in value["splits"])
        return cls(value["block"], value["units"], tuple(splits))


def plan(
    units: int, layout_block: int, seconds_per_block: float, splits: Sequence[tuple[str, float]] = (("train", 1.0),)
) -> Plan:
    """Cut ``units`` into blocks, splits and shards.

    A split gets its share of the blocks, exact to one block and never none. Its first shard is about 1 % of it (the
    free sample), at least one block. The others take about 15 seconds each, ``seconds_per_block`` being the time for a
    block of ``layout_block`` units; a run has about eight of them at least and 400 at most.

    Raises ``ValueError``, naming all faults, if units, block or shares are not positive, a name is twice or not a word,
    or there are fewer blocks than splits.
    """
    _refuse(units, layout_block, seconds_per_block, splits)
    block = max(1, min(layout_block, units // 100))
    blocks = -(-units // block)
    if blocks < len(splits):
        raise ValueError(
            f"{units} units make {blocks} blocks, too few for {len(splits)} splits: ask for more units or fewer splits"
        )
    shares = _shares(blocks, [share for _, share in splits])
    seconds = blocks * seconds_per_block * block / layout_block
    most = _MOST_SHARDS - len(splits)  # beside the samples
    wanted = max(min(max(math.ceil(min(seconds / _SHARD_SECONDS, most)), _LEAST_SHARDS), most), len(splits))
    planned, first = [], 0
    for (name, _), count, parts in zip(
        splits, shares, _shares(wanted, [float(count) for count in shares]), strict=True
    ):
        stop = min((first + count) * block, units)
        planned.append(SplitPlan(name, first * block, stop - first * block, _cut(count, parts)))
        first += count
    return Plan(block, units, tuple(planned))


def file_path(config: str, split: str, number: int, of: int, *, only_default: bool) -> str:
    """Return the path of a data file in its version: ``{config}/{split}-{number:05d}-of-{of:05d}.parquet``.

    The folder is ``data`` when the only configuration is ``default`` (``only_default``).
    """
    folder = "data" if only_default else config
    return f"{folder}/{split}-{number:05d}-of-{of:05d}.parquet"


def rows_judged(columns: int) -> int:
    """How many rows of a table of so many columns a report looks at, of those learnt from, withheld and made each."""
    return max(1, min(_MOST_JUDGED_ROWS, _MOST_JUDGED_CELLS // max(1, columns)))


def _refuse(units: int, layout_block: int, seconds_per_block: float, splits: Sequence[tuple[str, float]]) -> None:
    names = [name for name, _ in splits]
    faults = [
        *([f"units must be at least 1, not {units}"] if units < 1 else []),
        *([f"a block must have at least 1 unit, not {layout_block}"] if layout_block < 1 else []),
        *(
            [f"seconds per block must not be negative or endless: {seconds_per_block}"]
            if not _finite(seconds_per_block)
            else []
        ),
        *(["a run has at least one split"] if not splits else []),
        *(["two splits have the same name"] if len(set(names)) < len(names) else []),
        *(f"a split is named by a word of a-z, 0-9 and _, not {name!r}" for name in names if not _word(name)),
        *(
            f"the share of {name} must be above 0, not {share}"
            for name, share in splits
            if not (_finite(share) and share)
        ),
    ]
    if faults:
        raise ValueError("; ".join(faults))


def _finite(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def _word(name: str) -> bool:
    return name.isascii() and name.isidentifier() and name == name.lower()


def _shares(whole: int, shares: list[float]) -> list[int]:
    """Divide ``whole`` in proportion to ``shares`` by largest remainder, one at least for each."""
    total = math.fsum(shares)
    ideal = [whole * share / total for share in shares]
    counts = [max(1, math.floor(value)) for value in ideal]
    while (over := sum(counts) - whole) != 0:
        step = -1 if over > 0 else 1
        movable = [i for i, count in enumerate(counts) if count + step >= 1]
        i = max(movable, key=lambda i: ((ideal[i] - counts[i]) * step, -i))
        counts[i] += step
    return counts


def _cut(blocks: int, wanted: int) -> tuple[int, ...]:
    """Cut one split: the sample first, the rest into ``wanted`` near-equal shards, as far as there are blocks."""
    sample = max(1, round(blocks / _SAMPLE))
    rest = blocks - sample
    if rest == 0:
        return (sample,)
    parts = min(rest, wanted)
    return (sample, *(rest * (i + 1) // parts - rest * i // parts for i in range(parts)))
