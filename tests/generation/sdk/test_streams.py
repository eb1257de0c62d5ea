"""Randomness is found by name, never handed on: totals are exact, permutations are whole, streams are apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generation.sdk import Streams

SEED = bytes(range(16))
seeds = st.binary(min_size=16, max_size=16)
names = st.text(max_size=20)


@st.composite
def ranges(draw: st.DrawFn, most_parts: int) -> tuple[int, range]:
    """A number of parts and a contiguous range of them, possibly empty."""
    parts = draw(st.integers(1, most_parts))
    first = draw(st.integers(0, parts))
    return parts, range(first, min(parts, first + draw(st.integers(0, 3000))))


@given(seed=seeds, name=names, total=st.integers(0, 10**6), parts=st.integers(1, 5000))
@settings(max_examples=60)
def test_the_counts_of_all_parts_add_up_to_the_total_and_firsts_are_cumulative(
    seed: bytes, name: str, total: int, parts: int
) -> None:
    firsts, counts = Streams(seed).splits(name, total, parts, range(parts))
    assert len(counts) == parts
    assert (counts >= 0).all()
    assert counts.sum() == total
    assert np.array_equal(firsts, np.concatenate([[0], np.cumsum(counts)[:-1]]))


@given(asked=ranges(6000), total=st.integers(0, 10**12), seed=seeds)
@settings(max_examples=60)
def test_a_range_of_parts_has_the_share_that_it_has_of_the_whole(
    asked: tuple[int, range], total: int, seed: bytes
) -> None:
    parts, wanted = asked
    streams = Streams(seed)
    firsts, counts = streams.splits("items", total, parts, range(parts))
    some_firsts, some_counts = streams.splits("items", total, parts, wanted)
    assert np.array_equal(some_firsts, firsts[wanted.start : wanted.stop])
    assert np.array_equal(some_counts, counts[wanted.start : wanted.stop])


@given(asked=ranges(6000), total=st.integers(0, 10**9), at=st.floats(0, 1, exclude_max=True))
@settings(max_examples=60)
def test_one_part_alone_is_what_it_is_among_others(asked: tuple[int, range], total: int, at: float) -> None:
    parts, wanted = asked
    if not wanted:
        wanted = range(parts)
    number = int(at * len(wanted))
    firsts, counts = Streams(SEED).splits("items", total, parts, wanted)
    assert Streams(SEED).split("items", total, parts, wanted[number]) == (firsts[number], counts[number])


@given(total=st.integers(0, 2**62), parts=st.integers(2000, 2**40), at=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40)
def test_neighbours_touch_also_among_a_million_million_parts(total: int, parts: int, at: float) -> None:
    streams = Streams(SEED)
    first = int(at * (parts - 1))
    of_first, count = streams.split("items", total, parts, first)
    of_next, last = streams.split("items", total, parts, first + 1)
    assert of_first + count == of_next
    assert 0 <= of_first <= of_next + last <= total
    assert streams.split("items", total, parts, 0)[0] == 0
    assert sum(streams.split("items", total, parts, parts - 1)) == total


def test_every_part_is_equally_likely() -> None:
    parts = 1500  # the second leaf of the tree is a smaller one
    counts = sum(Streams(seed.to_bytes(16)).splits("items", 3000, parts, range(parts))[1] for seed in range(400))
    assert np.abs(counts / 400 - 2).max() < 6 * (2 / 400) ** 0.5
    assert counts[:1024].sum() / 400 == pytest.approx(2048, rel=0.01)


@pytest.mark.parametrize("wanted", [range(-1, 2), range(3, 12), range(0, 10, 2)])
def test_a_range_that_is_not_of_the_parts_is_refused(wanted: range) -> None:
    with pytest.raises(ValueError, match="not a contiguous range within 10 parts"):
        Streams(SEED).splits("items", 5, 10, wanted)


def test_a_total_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        Streams(SEED).split("items", -1, 10, 0)


@pytest.mark.parametrize("n", [*range(1, 70), 255, 256, 257, 1000, 4097])
def test_a_permutation_of_few_hits_each_exactly_once(n: int) -> None:
    for name in ("a", "b"):
        assert sorted(Streams(SEED).permute(name, range(n), n)) == list(range(n))


@given(
    seed=seeds,
    n=st.integers(1, 40).flatmap(lambda power: st.integers(2 ** (power - 1), 2**power)),
    at=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50),
)
@example(seed=SEED, n=2**40, at=[0.5])
@example(seed=SEED, n=2**40 - 1, at=[0.5])
@settings(max_examples=40)
def test_a_permutation_of_many_stays_in_range_and_maps_no_two_to_one(seed: bytes, n: int, at: list[float]) -> None:
    scattered = [int(share * n) for share in at]
    asked = np.unique([*scattered, *range(min(n, 2000)), *range(max(0, n - 2000), n)])
    mapped = Streams(seed).permute("numbers", asked, n)
    assert mapped.dtype == np.int64
    assert mapped.min() >= 0
    assert mapped.max() < n
    assert len(np.unique(mapped)) == len(asked)


@given(n=st.integers(1, 10**9), at=st.lists(st.floats(0, 1, exclude_max=True), max_size=20))
@settings(max_examples=40)
def test_where_an_element_goes_does_not_depend_on_which_others_are_asked_for(n: int, at: list[float]) -> None:
    asked = np.array([int(share * n) for share in at], np.int64)
    together = Streams(SEED).permute("numbers", asked, n)
    alone = [int(Streams(SEED).permute("numbers", asked[i : i + 1], n)[0]) for i in range(len(asked))]
    assert together.tolist() == alone


def test_permutations_of_different_names_seeds_and_sizes_have_nothing_in_common() -> None:
    n = 10_000
    ours = Streams(SEED).permute("numbers", range(n), n)
    others = [
        Streams(SEED).permute("others", range(n), n),
        Streams(bytes(16)).permute("numbers", range(n), n),
        Streams(SEED, "sample").permute("numbers", range(n), n),
        Streams(SEED).permute("numbers", range(n), n + 1),
        np.arange(n),
    ]
    for other in others:
        # Two random permutations agree at one place on average.
        assert np.count_nonzero(ours == other) < 10
    assert abs(np.corrcoef(np.arange(n), ours)[0, 1]) < 0.05


@pytest.mark.parametrize("n", [0, -1, 2**40 + 1])
def test_a_permutation_of_nothing_or_of_too_many_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 to 2\\*\\*40 elements"):
        Streams(SEED).permute("numbers", range(0), n)


@pytest.mark.parametrize("index", [-1, 10])
def test_an_index_outside_the_permutation_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="outside range"):
        Streams(SEED).permute("numbers", np.array([0, index]), 10)


identities = st.tuples(seeds, st.sampled_from(["run", "sample", ""]), names, st.integers(0, 2**63))


@given(one=identities, other=identities)
@settings(max_examples=200)
def test_streams_agree_when_all_of_their_name_does_and_else_differ(
    one: tuple[bytes, str, str, int], other: tuple[bytes, str, str, int]
) -> None:
    assert _bits(*one) == _bits(*one)
    assert (_bits(*one) == _bits(*other)) == (one == other)


@given(one=identities, seed=seeds, domain=names, name=names, index=st.integers(0, 2**63))
@settings(max_examples=100)
def test_a_change_of_any_one_of_seed_domain_name_and_index_is_another_stream(
    one: tuple[bytes, str, str, int], seed: bytes, domain: str, name: str, index: int
) -> None:
    for place, value in enumerate((seed, domain, name, index)):
        changed = (*one[:place], value, *one[place + 1 :])
        assert (_bits(*changed) == _bits(*one)) == (changed == one)


def test_moving_a_letter_from_domain_to_name_is_another_stream() -> None:
    assert _bits(SEED, "runa", "b", 0) != _bits(SEED, "run", "ab", 0)


def test_neighbouring_indices_are_streams_without_a_common_stretch() -> None:
    drawn = [Streams(SEED).rng("rows", index).integers(0, 2**63, 1000) for index in range(4)]
    for one, other in pairwise(drawn):
        assert not np.intersect1d(one, other).size


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_seed_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="a seed has 16 bytes"):
        Streams(bytes(size))


_ELSEWHERE = """
import json, numpy as np
from generation.sdk import Streams
streams = Streams(bytes(range(16)), "sample")
print(json.dumps([
    streams.rng("rows", 7).integers(0, 2**63, 5).tolist(),
    [column.tolist() for column in streams.splits("items", 10**9, 10**7, range(4_000_000, 4_000_010))],
    streams.permute("numbers", range(20), 10**12).tolist(),
]))
"""


def test_streams_are_the_same_in_every_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _ELSEWHERE],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    streams = Streams(SEED, "sample")
    here = [
        streams.rng("rows", 7).integers(0, 2**63, 5).tolist(),
        [column.tolist() for column in streams.splits("items", 10**9, 10**7, range(4_000_000, 4_000_010))],
        streams.permute("numbers", range(20), 10**12).tolist(),
    ]
    assert [json.loads(text) for text in told] == [here]


def test_streams_never_change_under_a_published_seed() -> None:
    streams = Streams(SEED)
    assert streams.rng("rows", 3).integers(0, 2**32, 3).tolist() == RNG
    assert streams.split("items", 10**6, 5000, 4321) == SPLIT
    assert streams.permute("numbers", range(5), 10**6).tolist() == PERMUTED


# What a dataset that is already sold was made of: another value here means that no replay agrees any more.
RNG = [4142081550, 1022130579, 2706141079]
SPLIT = (863696, 180)
PERMUTED = [304957, 2769, 319446, 864087, 369573]


def _bits(seed: bytes, domain: str, name: str, index: int) -> list[int]:
    drawn: list[int] = Streams(seed, domain).rng(name, index).integers(0, 2**63, 2).tolist()
    return drawn
