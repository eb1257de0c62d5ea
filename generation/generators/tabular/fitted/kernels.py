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
_ABREAST = 16  # rows that go down a tree together
_HASH = np.uint64(0x9E3779B97F4A7C15)


@compiled
def grow(  # type: ignore[no-untyped-def]
    bins, sizes, favours, points, rows, least, floor, strong, needed, depth, predictor, cut, left, start, end
):
    """Grow a greedy tree and return its number of nodes.

    ``bins`` (predictors × rows) in ``sizes[f]`` bins each, ``points`` (rows × dimensions) what is to be told apart,
    ``rows`` those to grow on, put into the order of the leaves. A split maximises the sum of squares between its two
    sides, times what its predictor is favoured by. It needs ``least`` rows on both (``floor`` if it explains a
    ``strong`` share) and ``needed`` times the gain of chance. Node n has predictor, cut, first of two children (-1 in a
    leaf) and its slice of ``rows``.
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
                        gain = one / under + other / over - base
                        if gain * favours[f] > best and ((under >= least and over >= least) or gain > strong * spread):
                            best = gain * favours[f]
                            best_predictor = f
                            best_cut = c
                if best_predictor >= 0 and best * size > needed * spread:
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
def add_up(codes, term_column, term_offset, terms, edges, sums, bins):  # type: ignore[no-untyped-def]
    """Write into ``bins`` (rows × indexes) between which of the 255 ``edges`` of each additive index a row's sum is.

    ``sums`` (rows × indexes) are zeros; they add up in single precision, term by term.
    """
    for t in range(len(term_column)):
        column = term_column[t]
        offset = term_offset[t]
        for q in range(edges.shape[0]):
            for i in range(codes.shape[0]):
                sums[i, q] += terms[offset + codes[i, column], q]
    for q in range(edges.shape[0]):
        for i in range(codes.shape[0]):
            x = sums[i, q]
            low = 0
            step = 128
            while step:
                low += step if edges[q, low + step - 1] < x else 0
                step >>= 1
            bins[i, q] = low


@compiled
def follow(codes, place, leader, nodes, lookup, roots, leaves, bins, words):  # type: ignore[no-untyped-def]
    """Draw the codes of one feature into ``codes[:, place]`` (rows × features), from those drawn before.

    A word's hash chooses the tree, its upper half a code of the leaf. ``nodes`` are those of a ``Forest``, ``bins``
    those of its additive indexes. Where ``leader`` is missing (code 0), so is this one. Some rows go down together, so
    that they wait for memory together.
    """
    at = np.zeros(_ABREAST, np.int64)
    trees = np.uint64(len(roots))
    for first in range(0, codes.shape[0], _ABREAST):
        size = min(_ABREAST, codes.shape[0] - first)
        for lane in range(size):
            at[lane] = roots[((words[first + lane] * _HASH) >> np.uint64(40)) % trees]
        going = True
        while going:
            going = False
            for lane in range(size):
                node = at[lane]
                below = np.int64(nodes[node, 3])
                if below < 0:
                    continue
                going = True
                column = np.int64(nodes[node, 0])
                if column >= 0:
                    x = np.int64(lookup[nodes[node, 1] + codes[first + lane, column]])
                else:
                    x = np.int64(bins[first + lane, -1 - column])
                at[lane] = below + (1 if x > nodes[node, 2] else 0)
        for lane in range(size):
            i = first + lane
            if leader >= 0 and codes[i, leader] == 0:
                codes[i, place] = 0
                continue
            start = np.int64(nodes[at[lane], 0])
            amount = np.uint64(nodes[at[lane], 1] - nodes[at[lane], 0])
            codes[i, place] = leaves[start + np.int64(((words[i] >> np.uint64(32)) * amount) >> np.uint64(32))]


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
