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

DIMENSIONS = 7  # of the points by which values of a target are compared: with a count, what four words hold
_LOWER = np.uint64(0xFFFFFFFF)
_ABREAST = 16  # rows that wait for memory together
_HASH = np.uint64(0x9E3779B97F4A7C15)


@compiled
def grow(  # type: ignore[no-untyped-def]
    bins, firsts, favours, words, norms, rows, least, floor, strong, needed, depth, predictor, cut, left, start, end
):
    """Grow a greedy tree and return its number of nodes.

    ``bins`` (rows × predictors); the sums by bin of predictor f begin at ``firsts[f]``, the last of which is where all
    end. ``words`` (rows × 4) are the points to be told apart as whole numbers, two in a word: a one that counts, then
    the dimensions; the sums of all rows fit in 32 bits. ``norms`` are their squares. ``rows`` are those to grow on, put
    into the order of the leaves. A split maximises the sum of squares between its two sides, times what its predictor
    is favoured by. It needs ``least`` rows on both (``floor`` if it explains a ``strong`` share) and ``needed`` times
    the gain of chance. Node n has predictor, cut, first of two children (-1 in a leaf) and its slice of ``rows``.
    """
    predictors = bins.shape[1]
    every = np.int64(firsts[predictors])
    aside = np.empty(len(rows), rows.dtype)
    level = np.zeros(len(predictor), np.int32)
    # sums by bin: the larger side of a split takes over its parent's, less those of the smaller side
    kept = np.empty((depth + 3, every, 4), np.uint64)
    free = np.arange(depth + 3)
    waiting = np.empty((depth + 3, 2), np.int64)
    mean = np.empty(DIMENSIONS)
    waiting[0, 0] = 0
    waiting[0, 1] = -1
    waits, frees, nodes = 1, len(free), 1
    start[0] = 0
    end[0] = len(rows)
    while waits:
        waits -= 1
        node, slot = waiting[waits, 0], waiting[waits, 1]
        a, b = np.int64(start[node]), np.int64(end[node])
        size = b - a
        left[node] = -1
        if size < 2 * floor or level[node] >= depth or predictors == 0:
            continue
        if slot < 0:
            frees -= 1
            slot = free[frees]
            kept[slot] = 0
            _count(bins, firsts, words, rows, a, b, kept[slot])
        spread = _spread(kept[slot], np.int64(firsts[1]), norms, rows, a, b, mean)
        best = needed * spread / size
        best_predictor = -1
        best_cut = 0
        if spread > 0.0:
            for f in range(predictors):
                first, last = np.int64(firsts[f]), np.int64(firsts[f + 1])
                gain, at = _best_cut(kept[slot], first, last, mean, size, least, floor, strong * spread)
                if gain * favours[f] > best:
                    best = gain * favours[f]
                    best_predictor = f
                    best_cut = at
        if best_predictor < 0:
            free[frees] = slot
            frees += 1
            continue
        p = a
        others = 0
        for i in range(a, b):
            row = rows[i]
            if bins[row, best_predictor] <= best_cut:
                rows[p] = row
                p += 1
            else:
                aside[others] = row
                others += 1
        for i in range(others):
            rows[p + i] = aside[i]
        predictor[node] = best_predictor
        cut[node] = best_cut
        left[node] = nodes
        for child in range(2):
            level[nodes + child] = level[node] + 1
            start[nodes + child] = p if child else a
            end[nodes + child] = b if child else p
        small = nodes if p - a <= b - p else nodes + 1
        large = nodes + 1 if small == nodes else nodes
        nodes += 2
        of_small = -1
        if (end[large] - start[large]) * predictors <= every:
            free[frees] = slot
            frees += 1
            slot = -1
        elif end[small] - start[small] >= 2 * floor:
            frees -= 1
            of_small = free[frees]
            kept[of_small] = 0
            _count(bins, firsts, words, rows, np.int64(start[small]), np.int64(end[small]), kept[of_small])
            _take_away(kept[of_small], kept[slot])
        else:
            _take_rows_away(bins, firsts, words, rows, np.int64(start[small]), np.int64(end[small]), kept[slot])
        waiting[waits, 0], waiting[waits, 1] = large, slot
        waiting[waits + 1, 0], waiting[waits + 1, 1] = small, of_small
        waits += 2
    return nodes


@compiled
def fill(bins, predictor, cut, left, rows, order, start, end):  # type: ignore[no-untyped-def]
    """Let ``rows`` go down a tree that ``grow`` grew: ``order`` are they by node, and each node has its slice of that.

    A node has all rows of those below it.
    """
    nodes = len(left)
    reached = np.empty(len(rows), np.int32)
    sizes = np.zeros(nodes, np.int64)
    for i in range(len(rows)):
        row = rows[i]
        node = 0
        while left[node] >= 0:
            node = left[node] + (1 if bins[row, predictor[node]] > cut[node] else 0)
        reached[i] = node
        sizes[node] += 1
    for node in range(nodes - 1, -1, -1):  # whatever is below a node comes after it
        if left[node] >= 0:
            sizes[node] = sizes[left[node]] + sizes[left[node] + 1]
    start[0] = 0
    for node in range(nodes):
        end[node] = start[node] + sizes[node]
        if left[node] >= 0:
            start[left[node]] = start[node]
            start[left[node] + 1] = start[node] + sizes[left[node]]
    free = start.copy()
    for i in range(len(rows)):
        order[free[reached[i]]] = rows[i]
        free[reached[i]] += 1


@compiled
def _count(bins, firsts, words, rows, a, b, sums):  # type: ignore[no-untyped-def]
    """Add the words of ``rows[a:b]`` to ``sums``, at the bin of each predictor."""
    for i in range(a, b):
        row = np.uint64(rows[i])
        w0, w1, w2, w3 = words[row, 0], words[row, 1], words[row, 2], words[row, 3]
        for f in range(bins.shape[1]):
            c = firsts[f] + np.uint64(bins[row, f])
            sums[c, 0] += w0
            sums[c, 1] += w1
            sums[c, 2] += w2
            sums[c, 3] += w3


@compiled
def _take_rows_away(bins, firsts, words, rows, a, b, sums):  # type: ignore[no-untyped-def]
    """Take the words of ``rows[a:b]`` from ``sums``, at the bin of each predictor."""
    for i in range(a, b):
        row = np.uint64(rows[i])
        for f in range(bins.shape[1]):
            c = firsts[f] + np.uint64(bins[row, f])
            for w in range(4):
                sums[c, w] -= words[row, w]


@compiled
def _take_away(some, sums):  # type: ignore[no-untyped-def]
    for c in range(sums.shape[0]):
        for w in range(4):
            sums[c, w] -= some[c, w]


@compiled
def _spread(sums, last, norms, rows, a, b, mean):  # type: ignore[no-untyped-def]
    """Return the sum of squares about the mean of ``rows[a:b]``, which is written; 0 where there is but rounding."""
    size = b - a
    mean[:] = 0.0
    for c in range(last):
        mean[0] += np.float64(np.int64(sums[c, 0] >> np.uint64(32)))
        for w in range(1, 4):
            mean[2 * w - 1] += np.float64(np.int64(sums[c, w] & _LOWER))
            mean[2 * w] += np.float64(np.int64(sums[c, w] >> np.uint64(32)))
    squares = 0.0
    for i in range(a, b):
        squares += norms[rows[i]]
    spread = squares
    for d in range(DIMENSIONS):
        mean[d] /= size
        spread -= size * mean[d] * mean[d]
    return spread if spread > 1e-12 * squares else 0.0


@compiled
def _best_cut(sums, first, last, mean, size, least, floor, enough):  # type: ignore[no-untyped-def]
    """Return the largest sum of squares between two sides of a cut, and the last bin below it; -1 if there is none."""
    m0, m1, m2, m3, m4, m5, m6 = mean[0], mean[1], mean[2], mean[3], mean[4], mean[5], mean[6]
    best = -1.0
    at = 0
    w0, w1, w2, w3 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    up = np.uint64(32)
    for c in range(np.uint64(first), np.uint64(last - 1)):
        if sums[c, 0] == 0:
            continue
        w0 += sums[c, 0]
        w1 += sums[c, 1]
        w2 += sums[c, 2]
        w3 += sums[c, 3]
        under = np.int64(w0 & _LOWER)
        over = size - under
        if under < floor:
            continue
        if over < floor:
            break
        n = np.float64(under)
        x0 = np.float64(np.int64(w0 >> up)) - n * m0
        x1 = np.float64(np.int64(w1 & _LOWER)) - n * m1
        x2 = np.float64(np.int64(w1 >> up)) - n * m2
        x3 = np.float64(np.int64(w2 & _LOWER)) - n * m3
        x4 = np.float64(np.int64(w2 >> up)) - n * m4
        x5 = np.float64(np.int64(w3 & _LOWER)) - n * m5
        x6 = np.float64(np.int64(w3 >> up)) - n * m6
        apart = (x0 * x0 + x1 * x1) + (x2 * x2 + x3 * x3) + (x4 * x4 + x5 * x5) + x6 * x6
        gain = apart * size / (n * over)
        if gain > best and ((under >= least and over >= least) or gain > enough):
            best = gain
            at = np.int64(c) - first
    return best, at


@compiled
def add_by(codes, others, points, rows, sums):  # type: ignore[no-untyped-def]
    """Add to ``sums[codes[row]]`` the point of ``others[row]``, for each of ``rows``."""
    for row in rows:
        for d in range(points.shape[1]):
            sums[codes[row], d] += points[others[row], d]


@compiled
def sort_slices(values, starts, ends):  # type: ignore[no-untyped-def]
    """Sort ``values`` within each slice."""
    for i in range(len(starts)):
        values[starts[i] : ends[i]].sort()


@compiled
def cut_runs(people, least, wanted, starts):  # type: ignore[no-untyped-def]
    """Write where the runs of ``privacy.shared_runs`` begin, and return how many there are."""
    everyone = people.sum()
    first = reached = before = runs = 0
    for group in range(len(people)):
        reached += people[group]
        nearest = min(before, everyone - before - reached)
        goal = least
        while goal < wanted and nearest >= goal:
            nearest -= goal
            goal *= 2
        if reached >= max(least, min(goal, wanted)):
            starts[runs] = first
            runs += 1
            first, before, reached = group + 1, before + reached, 0
    if not runs:
        starts[0] = 0
        return 1
    return runs


@compiled
def add_up(codes, term_column, term_offset, terms, edges, first):  # type: ignore[no-untyped-def]
    """Write into ``codes[:, first + q]`` between which of the 255 ``edges`` of additive index q a row's sum is.

    Sums are in single precision, term by term.
    """
    x = np.zeros(_ABREAST, np.float32)
    low = np.zeros(_ABREAST, np.uint64)
    rows = np.uint64(codes.shape[0])
    for q in range(np.uint64(edges.shape[0])):
        for a in range(np.uint64(0), rows, np.uint64(_ABREAST)):
            size = min(np.uint64(_ABREAST), rows - a)
            x[:] = np.float32(0.0)
            for t in range(np.uint64(len(term_column))):
                column, offset = np.uint64(term_column[t]), np.uint64(term_offset[t])
                for lane in range(size):
                    x[lane] += terms[offset + np.uint64(codes[a + lane, column]), q]
            low[:] = np.uint64(0)
            step = np.uint64(128)
            while step:
                for lane in range(size):
                    low[lane] += step if edges[q, low[lane] + step - np.uint64(1)] < x[lane] else np.uint64(0)
                step >>= np.uint64(1)
            for lane in range(size):
                codes[a + lane, np.uint64(first) + q] = low[lane]


@compiled
def follow(codes, place, leader, nodes, slices, lookup, roots, leaves, words):  # type: ignore[no-untyped-def]
    """Draw the codes of one feature into ``codes[:, place]`` (rows × features), from those drawn before.

    A word's hash chooses the tree, its upper half a code of the leaf. ``nodes`` and ``slices`` are those of a
    ``Forest``. Where ``leader`` is missing (code 0), so is this one. Some rows go down together, until none moves any
    more: a leaf looks at the feature's own code, which is 0 before, and leads to itself.
    """
    at = np.zeros(_ABREAST, np.uint64)
    trees = np.uint64(len(roots))
    rows, feature = np.uint64(codes.shape[0]), np.uint64(place)
    for first in range(np.uint64(0), rows, np.uint64(_ABREAST)):
        size = min(np.uint64(_ABREAST), rows - first)
        for lane in range(size):
            at[lane] = np.uint64(roots[((words[first + lane] * _HASH) >> np.uint64(40)) % trees])
        moved = np.uint64(1)
        while moved:
            moved = np.uint64(0)
            for lane in range(size):
                node = at[lane]
                code = np.uint64(codes[first + lane, np.uint64(nodes[node, 0])])
                above = np.int32(lookup[np.uint64(nodes[node, 1]) + code]) > nodes[node, 2]
                at[lane] = np.uint64(nodes[node, 3]) + np.uint64(above)
                moved |= at[lane] ^ node
        for lane in range(size):
            i = first + lane
            if leader >= 0 and codes[i, np.uint64(leader)] == 0:
                codes[i, feature] = 0
                continue
            start = np.uint64(slices[at[lane], 0])
            amount = np.uint64(slices[at[lane], 1]) - start
            codes[i, feature] = leaves[start + (((words[i] >> np.uint64(32)) * amount) >> np.uint64(32))]


@compiled
def locate(codes, place, nullable, low, high, roundness, steps, words, units):  # type: ignore[no-untyped-def]
    """Place each row's number within its bin, by the lower half of its word: whole units, NaN where missing."""
    for i in range(len(units)):
        j = np.int64(codes[i, place]) - nullable
        if j < 0:
            units[i] = np.nan
            continue
        word = words[i] & _LOWER
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
