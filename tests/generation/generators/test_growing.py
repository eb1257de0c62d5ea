"""Trees as they are grown by the compiled loops, beside trees grown by looking at all rows of every node."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.generators.tabular.fitted.kernels import DIMENSIONS, fill, grow
from generation.generators.tabular.fitted.trees import _packed
from generation.generators.tabular.fitted.words import words
from generation.sdk import Streams

LEAST, FLOOR, STRONG, NEEDED, DEPTH = 12, 4, 0.5, 3.0, 7
Tree = list[tuple[int, int, tuple[int, ...]]]


def grown(bins: np.ndarray, places: np.ndarray, codes: np.ndarray) -> Tree:
    """Grow by the loops; return predictor, cut and rows of every node, -1 in leaves."""
    count = len(codes)
    packed, norms = _packed(places, count)
    firsts = np.concatenate([[0], np.cumsum(bins.max(axis=0).astype(np.uint64) + np.uint64(1))]).astype(np.uint64)
    arrays = [np.zeros(2 * (count // FLOOR) + 3, np.int32) for _ in range(5)]
    rows = np.arange(count, dtype=np.int32)
    limits = (LEAST, FLOOR, STRONG, NEEDED, DEPTH)
    size = grow(bins, firsts, np.ones(bins.shape[1]), packed[codes], norms[codes], rows, *limits, *arrays)
    predictor, cut, left, start, end = (one[:size] for one in arrays)
    inner = left >= 0
    nodes = zip(np.where(inner, predictor, -1), np.where(inner, cut, -1), start, end, strict=True)
    return sorted((int(f), int(c), tuple(sorted(rows[a:b].tolist()))) for f, c, a, b in nodes)


def looked_at(bins: np.ndarray, points: np.ndarray, rows: np.ndarray, level: int = 0) -> Tree:
    """Grow by looking at all rows of each node, for each cut of each predictor."""
    leaf = [(-1, -1, tuple(sorted(rows.tolist())))]
    spread = ((points[rows] - points[rows].mean(axis=0)) ** 2).sum() if len(rows) else 0.0
    if len(rows) < 2 * FLOOR or level >= DEPTH or spread < 1e-9:
        return leaf
    best, split = NEEDED * spread / len(rows), None
    for predictor in range(bins.shape[1]):
        for cut in np.unique(bins[rows, predictor])[:-1].tolist():
            below = bins[rows, predictor] <= cut
            sides = rows[below], rows[~below]
            smaller = min(map(len, sides))
            middle = points[rows].mean(axis=0)
            gain = sum(len(side) * ((points[side].mean(axis=0) - middle) ** 2).sum() for side in sides)
            if smaller >= FLOOR and (smaller >= LEAST or gain > STRONG * spread) and gain > best * (1 + 1e-9):
                best, split = gain, (predictor, cut, sides)
    if split is None:
        return leaf
    predictor, cut, sides = split
    found = [(predictor, cut, tuple(sorted(rows.tolist())))]
    for side in sides:
        found += looked_at(bins, points, side, level + 1)
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    count=st.integers(1, 700),
    predictors=st.integers(0, 4),
    levels=st.integers(2, 200),
)
def test_a_tree_is_the_one_that_all_rows_of_every_node_give(
    seed: int, count: int, predictors: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, levels, (count, predictors)).astype(np.uint8)
    # whole numbers from 0 to 1 << 20 are kept as they are, of so few rows
    places = rng.integers(0, 1 << 20, (9, DIMENSIONS)).astype(np.float64)
    places[0], places[1, 0] = 0, 1 << 20
    hangs_on = bins[:, 0].astype(np.int64) * 9 // 256 if predictors else np.zeros(count, np.int64)
    codes = np.where(rng.random(count) < 0.7, hangs_on, rng.integers(0, 9, count))
    assert grown(bins, places, codes) == looked_at(bins, places[codes], np.arange(count))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 30), count=st.integers(1, 400), depth=st.integers(0, 12))
def test_rows_that_fill_a_tree_lie_on_the_side_of_every_cut_that_they_belong_to(
    seed: int, count: int, depth: int
) -> None:
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, 20, (2 * count, 3)).astype(np.uint8)
    predictor, cut, left = [0], [0], [-1]
    for _ in range(depth):
        leaf = int(rng.choice(np.flatnonzero(np.array(left) < 0)))
        predictor[leaf], cut[leaf], left[leaf] = int(rng.integers(3)), int(rng.integers(19)), len(left)
        for one, empty in ((predictor, 0), (cut, 0), (left, -1)):
            one += [empty] * 2
    rows = rng.permutation(2 * count)[:count].astype(np.int32)
    order, (start, end) = np.empty_like(rows), np.zeros((2, len(left)), np.int32)
    fill(bins, *(np.array(one, np.int32) for one in (predictor, cut, left)), rows, order, start, end)
    wanted = {0: set(rows.tolist())}
    for node, first in enumerate(left):
        assert set(order[start[node] : end[node]].tolist()) == wanted[node]
        if first >= 0:
            wanted[first] = {row for row in wanted[node] if bins[row, predictor[node]] <= cut[node]}
            wanted[first + 1] = wanted[node] - wanted[first]


@pytest.mark.parametrize(
    "units", [range(1), range(5, 5), range(3, 19_999), range(19_999, 20_001), range(20_001, 45_003)]
)
def test_a_row_has_the_same_word_whatever_block_it_is_made_in(units: range) -> None:
    streams = Streams(bytes(16))
    every = words(streams, "x", range(60_000))
    assert np.array_equal(words(streams, "x", units), every[units.start : units.stop])
    assert len(np.unique(every)) == len(every)
