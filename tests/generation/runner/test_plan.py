"""A run is cut into whole blocks: shares exact to one block, a small first shard, every block in exactly one shard."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generation.runner import Plan, file_path, plan

NAMES = ("train", "test", "validation", "extra", "more")


@st.composite
def orders(draw: st.DrawFn) -> tuple[int, int, float, list[tuple[str, float]]]:
    """Units, a layout's block, seconds a block, and splits of at least as many blocks."""
    layout_block = draw(st.integers(1, 100_000))
    units = draw(st.integers(1, 10**6) | st.integers(1, 10**12))
    count = draw(st.integers(1, min(5, _blocks(units, layout_block))))
    shares = draw(st.lists(st.floats(1e-3, 1e3), min_size=count, max_size=count))
    seconds = draw(st.floats(0, 1e6) | st.floats(0, 1e308))
    return units, layout_block, seconds, list(zip(NAMES, shares, strict=False))


def _blocks(units: int, layout_block: int) -> int:
    return -(-units // max(1, min(layout_block, units // 100)))


@given(order=orders())
@settings(max_examples=300)
def test_every_block_lies_in_exactly_one_shard_and_only_the_last_may_be_short(
    order: tuple[int, int, float, list[tuple[str, float]]],
) -> None:
    units, layout_block, _, splits = order
    planned = plan(*order)
    shards = list(planned.shards())
    assert planned.block == max(1, min(layout_block, units // 100))
    assert [split.name for split in planned.splits] == [name for name, _ in splits]
    next_block = 0
    for shard in shards:
        assert (shard.first_block, shard.block) == (next_block, planned.block)
        assert shard.first_unit == shard.first_block * planned.block
        assert shard.blocks >= 1
        next_block += shard.blocks
        full = shard.blocks * planned.block
        assert shard.units == full if shard is not shards[-1] else full - planned.block < shard.units <= full
    assert next_block == -(-units // planned.block)
    assert sum(shard.units for shard in shards) == units
    assert sum(split.units for split in planned.splits) == units
    for split in planned.splits:
        own = [shard for shard in shards if shard.split == split.name]
        assert [(shard.number, shard.of) for shard in own] == [(i, len(own)) for i in range(len(own))]
        assert own[0].first_unit == split.first_unit
        assert sum(shard.units for shard in own) == split.units


@given(order=orders())
@settings(max_examples=300)
def test_a_split_has_its_share_of_the_blocks_exact_to_one_and_never_none(
    order: tuple[int, int, float, list[tuple[str, float]]],
) -> None:
    splits = order[3]
    planned = plan(*order)
    counts = [sum(split.shards) for split in planned.splits]
    total = math.fsum(share for _, share in splits)
    ideal = [sum(counts) * share / total for _, share in splits]
    assert min(counts) >= 1
    if min(ideal) >= 1:
        assert all(abs(count - share) < 1 + 1e-9 * share for count, share in zip(counts, ideal, strict=True))


@given(order=orders())
@example(order=(1_000_000, 1000, 0.0, [("train", 1.0)]))
@settings(max_examples=300)
def test_the_first_shard_of_each_split_is_about_one_in_a_hundred_and_the_others_are_alike(
    order: tuple[int, int, float, list[tuple[str, float]]],
) -> None:
    for split in plan(*order).splits:
        sample, *others = split.shards
        assert sample == max(1, round(sum(split.shards) / 100))
        assert not others or max(others) - min(others) <= 1


@given(order=orders())
@settings(max_examples=300)
def test_a_run_has_shards_enough_for_several_workers_and_never_more_than_400(
    order: tuple[int, int, float, list[tuple[str, float]]],
) -> None:
    shards = list(plan(*order).shards())
    assert len(shards) <= 400
    blocks = sum(shard.blocks for shard in shards)
    assert len(shards) >= min(blocks, 8)


def test_shards_take_about_fifteen_seconds_each() -> None:
    [train] = plan(1_000_000, 1000, 3.0).splits
    assert len(train.shards) == 1 + 1000 * 3 // 15
    # A smaller block than the layout's takes as much less time.
    assert plan(50_000, 1000, 6.0).block == 500
    [train] = plan(50_000, 1000, 6.0).splits
    assert len(train.shards) == 1 + 100 * 3 // 15


@given(order=orders())
@settings(max_examples=50)
def test_a_plan_survives_json(order: tuple[int, int, float, list[tuple[str, float]]]) -> None:
    planned = plan(*order)
    assert Plan.from_json(json.loads(json.dumps(planned.as_json()))) == planned


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ValueError, match="units must be") as caught:
        plan(0, 0, -1.0, [("train", 0.0), ("train", math.nan), ("a b", math.inf), ("Test", 1.0)])
    message = str(caught.value)
    for fault in (
        "units must be at least 1, not 0",
        "a block must have at least 1 unit, not 0",
        "seconds per block must not be negative or endless: -1.0",
        "two splits have the same name",
        "not 'a b'",
        "not 'Test'",
        "the share of train must be above 0, not 0.0",
        "the share of train must be above 0, not nan",
        "the share of a b must be above 0, not inf",
    ):
        assert fault in message


def test_fewer_blocks_than_splits_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="2 units make 2 blocks, too few for 3 splits: ask for more units"):
        plan(2, 10, 1.0, [("a", 1), ("b", 1), ("c", 1)])
    with pytest.raises(ValueError, match="at least one split"):
        plan(2, 10, 1.0, [])


def test_files_are_named_as_the_datasets_library_finds_them() -> None:
    assert file_path("default", "train", 0, 12, only_default=True) == "data/train-00000-of-00012.parquet"
    assert file_path("visits", "test", 3, 4, only_default=False) == "visits/test-00003-of-00004.parquet"
