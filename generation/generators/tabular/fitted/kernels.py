"""The loops that numba compiles: growing a tree, following trees row by row, placing values within bins.

They hold no interpreter lock and use no fast mathematics, so the same words give the same values. Arrays that come from
a state are read-only: other arrays would be compiled for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    def compiled(function: Callable[..., Any]) -> Callable[..., Any]: ...
else:
    from numba import njit

    compiled = njit(nogil=True, cache=True)

DIMENSIONS = 8  # of the points by which values of a target are compared
_BINS = 256
_HASH = np.uint64(0x9E3779B97F4A7C15)


@compiled
def grow(  # type: ignore[no-untyped-def]
    bins, sizes, points, rows, least, floor, strong, needed, depth, predictor, cut, left, start, end
):
    """Grow a greedy tree and return its number of nodes.

    ``bins`` (predictors × rows) in ``sizes[f]`` bins each, ``points`` (rows × dimensions) what is to be told apart,
    ``rows`` those to grow on, put into the order of the leaves. A split maximises the sum of squares between its two
    sides. It needs ``least`` rows on both (``floor`` if it explains a ``strong`` share) and ``needed`` times the gain
    of chance. Node n has predictor, cut, first of two children (-1 in a leaf) and its slice of ``rows``.
    """
    count = len(rows)
    aside = np.empty(count, rows.dtype)
    level = np.zeros(len(predictor), np.int32)
    sums = np.zeros((_BINS, DIMENSIONS))
    numbers = np.zeros(_BINS, np.int64)
    here = np.empty((count, DIMENSIONS))
    total = np.zeros(DIMENSIONS)
    below = np.zeros(DIMENSIONS)
    nodes = 1
    start[0] = 0
    end[0] = count
    node = 0
    while node < nodes:
        a, b = start[node], end[node]
        size = b - a
        left[node] = -1
        if size >= 2 * floor and level[node] < depth:
            total[:] = 0.0
            squares = 0.0
            for i in range(size):
                row = rows[a + i]
                for d in range(DIMENSIONS):
                    x = points[row, d]
                    here[i, d] = x
                    total[d] += x
                    squares += x * x
            base = 0.0
            for d in range(DIMENSIONS):
                base += total[d] * total[d] / size
            spread = squares - base
            if spread > 1e-9 * size:
                best = 0.0
                best_predictor = -1
                best_cut = 0
                for f in range(len(sizes)):
                    for c in range(sizes[f]):
                        numbers[c] = 0
                        for d in range(DIMENSIONS):
                            sums[c, d] = 0.0
                    for i in range(size):
                        c = bins[f, rows[a + i]]
                        numbers[c] += 1
                        for d in range(DIMENSIONS):
                            sums[c, d] += here[i, d]
                    below[:] = 0.0
                    under = 0
                    for c in range(sizes[f] - 1):
                        if numbers[c] == 0:
                            continue
                        under += numbers[c]
                        for d in range(DIMENSIONS):
                            below[d] += sums[c, d]
                        over = size - under
                        if under < floor:
                            continue
                        if over < floor:
                            break
                        one = 0.0
                        other = 0.0
                        for d in range(DIMENSIONS):
                            one += below[d] * below[d]
                            other += (total[d] - below[d]) ** 2
                        gain = one / under + other / over
                        if gain > best and ((under >= least and over >= least) or gain - base > strong * spread):
                            best = gain
                            best_predictor = f
                            best_cut = c
                if best_predictor >= 0 and (best - base) * size > needed * spread:
                    p = a
                    kept = 0
                    for i in range(a, b):
                        row = rows[i]
                        if bins[best_predictor, row] <= best_cut:
                            rows[p] = row
                            p += 1
                        else:
                            aside[kept] = row
                            kept += 1
                    for i in range(kept):
                        rows[p + i] = aside[i]
                    predictor[node] = best_predictor
                    cut[node] = best_cut
                    left[node] = nodes
                    level[nodes] = level[node] + 1
                    level[nodes + 1] = level[node] + 1
                    start[nodes] = a
                    end[nodes] = p
                    start[nodes + 1] = p
                    end[nodes + 1] = b
                    nodes += 2
        node += 1
    return nodes


@compiled
def follow(  # type: ignore[no-untyped-def]
    codes,
    place,
    leader,
    column,
    offset,
    lookup,
    cut,
    left,
    start,
    end,
    roots,
    leaves,
    term_column,
    term_offset,
    terms,
    edges,
    words,
):
    """Draw the codes of one feature into ``codes[:, place]`` (rows × features), from those drawn before.

    A word's hash chooses the tree, its upper half a code of the leaf. A node looks at a feature (``column`` from 0 on)
    through ``lookup``, or at additive index -1 - ``column``. Where ``leader`` is missing (code 0), so is this one.
    """
    indexes = edges.shape[0]
    sums = np.zeros(max(indexes, 1), np.float32)
    bins = np.zeros(max(indexes, 1), np.int64)
    trees = np.uint64(len(roots))
    for i in range(codes.shape[0]):
        if leader >= 0 and codes[i, leader] == 0:
            codes[i, place] = 0
            continue
        word = words[i]
        node = np.int64(roots[((word * _HASH) >> np.uint64(40)) % trees])
        summed = False
        while left[node] >= 0:
            j = np.int64(column[node])
            if j >= 0:
                x = np.int64(lookup[offset[node] + codes[i, j]])
            else:
                if not summed:
                    summed = True
                    for q in range(indexes):
                        sums[q] = 0
                    for t in range(len(term_column)):
                        k = term_offset[t] + codes[i, term_column[t]]
                        for q in range(indexes):
                            sums[q] += terms[k, q]
                    for q in range(indexes):
                        low = 0
                        high = edges.shape[1]
                        while low < high:
                            middle = (low + high) >> 1
                            if edges[q, middle] < sums[q]:
                                low = middle + 1
                            else:
                                high = middle
                        bins[q] = low
                x = bins[-1 - j]
            node = np.int64(left[node]) + (1 if x > cut[node] else 0)
        first = np.int64(start[node])
        size = np.uint64(end[node] - start[node])
        codes[i, place] = leaves[first + np.int64(((word >> np.uint64(32)) * size) >> np.uint64(32))]


@compiled
def locate(codes, place, nullable, low, high, roundness, steps, words, units):  # type: ignore[no-untyped-def]
    """Place each row's number within its bin, by the lower half of its word: whole units, NaN where missing."""
    for i in range(len(units)):
        j = np.int64(codes[i, place]) - nullable
        if j < 0:
            units[i] = np.nan
            continue
        word = words[i] & np.uint64(0xFFFFFFFF)
        x = np.floor(low[j] + 0.5 + (high[j] - low[j]) * (np.float64(word >> np.uint64(8)) / 16777216.0))
        if high[j] - low[j] > 1.0:
            b = np.int64(word & np.uint64(255))
            g = 0
            while g < len(steps) - 1 and roundness[j, g] < 255 and b >= roundness[j, g]:
                g += 1
            if g > 0:
                y = np.floor(x / steps[g] + 0.5) * steps[g]
                if low[j] < y < high[j]:
                    x = y
        units[i] = x


@compiled
def tables(bins, sizes, found):  # type: ignore[no-untyped-def]
    """Write the mutual information of each pair of features into ``found``; ``bins`` (features × rows) below 32."""
    features, rows = bins.shape
    joint = np.zeros(1024, np.int64)
    one = np.zeros(32)
    other = np.zeros(32)
    for i in range(features):
        for j in range(i):
            joint[:] = 0
            one[:] = 0
            other[:] = 0
            for r in range(rows):
                joint[np.int64(bins[i, r]) * 32 + bins[j, r]] += 1
            for a in range(sizes[i]):
                for b in range(sizes[j]):
                    one[a] += joint[a * 32 + b]
                    other[b] += joint[a * 32 + b]
            total = 0.0
            used = 0
            used_other = 0
            for a in range(sizes[i]):
                used += one[a] > 0
                for b in range(sizes[j]):
                    n = joint[a * 32 + b]
                    if n > 0:
                        total += n * np.log(n * rows / (one[a] * other[b]))
            for b in range(sizes[j]):
                used_other += other[b] > 0
            chance = (used - 1) * (used_other - 1) / (2.0 * rows)
            found[i, j] = max(0.0, total / rows - chance)
            found[j, i] = found[i, j]
