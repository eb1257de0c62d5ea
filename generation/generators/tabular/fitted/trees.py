"""One feature given those drawn before it: two trees on parts of the rows, whose leaves are histograms of codes.

Classification and regression trees as synthesizers: Reiter, "Using CART to generate partially synthetic public use
microdata", 2005; Nowok, Raab and Dibben, "synthpop", 2016.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from generation.generators.tabular.fitted.additive import Additive, Singles, learn_additive
from generation.generators.tabular.fitted.embedding import orderings, points
from generation.generators.tabular.fitted.features import Bytes, Coded, Codes
from generation.generators.tabular.fitted.kernels import grow
from generation.generators.tabular.fitted.privacy import Floats, Ints, K, People
from generation.sdk import Streams

_LEAST_ROWS = 30  # of a leaf
_FLOOR = 10  # of a leaf that explains much
_STRONG = 0.5
_SIGNIFICANT = 2.65  # standard deviations; lower ones learn the rows by heart
_DEPTH = 40
_TREES = 5
_PART = 0.7  # of the rows, for each tree
_MOST_PREDICTORS = 48
_FAVOUR = 1.5


@dataclass(frozen=True)
class Forest:
    """The trees of one feature, which begin at ``roots`` of its ``nodes`` (n × 4).

    A node that splits is (column, offset, cut, below): it looks at column ``column`` by the table that begins at
    ``offset`` of ``lookup``, or at additive index -1 - ``column``; up to ``cut`` it goes to node ``below``, else to the
    one after that. A leaf is (start, end, 0, -1): its codes are ``leaves[start:end]``, in order. ``leader`` is the
    feature with which this one is missing, or -1.
    """

    leader: int
    nodes: Codes
    lookup: Bytes
    roots: Codes
    leaves: Codes
    term_column: Codes
    term_offset: Codes
    terms: Singles
    edges: Singles


@dataclass(frozen=True)
class _Tree:
    predictor: Codes
    cut: Codes
    left: Codes
    start: Codes
    end: Codes
    leaves: Codes


def grow_forest(
    coded: Sequence[Coded],
    target: int,
    earlier: Sequence[int],
    leader: int,
    ties: Floats,
    people: People,
    streams: Streams,
    favourites: Collection[int] = (),
) -> Forest:
    """Learn feature ``target`` from the features ``earlier``, where ``leader`` (-1: none) is not missing.

    Splits on ``favourites`` count for more: what hangs on them matters most to whoever uses the rows.
    """
    own = coded[target]
    rows = own.known if leader < 0 else own.known & (coded[leader].codes > 0) & (own.codes > 0)
    telling = sorted(earlier, key=lambda i: (-ties[target, i], i))
    looked_at = {*telling[:_MOST_PREDICTORS], *favourites}
    earlier = [i for i in earlier if i in looked_at]
    places = points(own, rows, [coded[i] for i in telling], streams)
    looks = [(i, lookup) for i in earlier for lookup in orderings(coded[i], rows, own, places)]
    additive = learn_additive(coded, target, rows, telling, places)
    bins = [lookup[coded[i].codes] for i, lookup in looks] + (additive.bins(coded) if additive else [])
    sizes = [int(lookup.max()) + 1 for _, lookup in looks] + ([256] * len(additive.edges) if additive else [])
    favours = np.ones(len(bins))
    favours[[number for number, (i, _) in enumerate(looks) if i in favourites]] = _FAVOUR
    matrix = np.stack(bins) if bins else np.empty((0, len(own.codes)), np.uint8)
    of_rows = places[own.codes]
    needed = _gain_of_chance(of_rows[rows])
    rng = streams.rng(f"trees {own.stream}")
    chosen = np.flatnonzero(rows)
    trees = []
    for _ in range(_TREES):
        part = np.sort(rng.permutation(chosen)[: max(1, int(len(chosen) * _PART))])
        trees.append(_grow_tree(matrix, np.array(sizes, np.int64), favours, of_rows, own.codes, part, needed, people))
    return _together(trees, looks, additive, leader)


def _gain_of_chance(places: Floats) -> float:
    """Return the gain over its mean that a split by chance stays below: a chi-squared quantile over its freedom.

    Wilson and Hilferty, "The distribution of chi-square", 1931; the freedom is that of the places' covariance.
    """
    if len(places) < 2:
        return np.inf
    widths = np.linalg.eigvalsh(np.cov(places.T))
    freedom = max(1.0, float(widths.sum() ** 2 / max((widths**2).sum(), 1e-30)))
    return float(max(0.0, 1 - 2 / (9 * freedom) + _SIGNIFICANT * np.sqrt(2 / (9 * freedom))) ** 3)


def _grow_tree(
    bins: Bytes, sizes: Ints, favours: Floats, places: Floats, codes: Codes, rows: Ints, needed: float, people: People
) -> _Tree:
    most = 2 * (len(rows) // _FLOOR) + 3
    predictor, cut, left, start, end = (np.zeros(most, np.int32) for _ in range(5))
    order = rows.astype(np.int32)
    size = grow(
        bins,
        sizes,
        favours,
        places,
        order,
        _LEAST_ROWS,
        _FLOOR,
        _STRONG,
        needed,
        _DEPTH,
        predictor,
        cut,
        left,
        start,
        end,
    )
    tree = _Tree(predictor[:size], cut[:size], left[:size], start[:size], end[:size], codes[order])
    if people.codes is not None:
        _close_to_few(tree, people.codes[order])
    ends = tree.left < 0
    for a, b in zip(tree.start[ends].tolist(), tree.end[ends].tolist(), strict=True):
        tree.leaves[a:b].sort()  # forget the order of rows
    return tree


def _close_to_few(tree: _Tree, people: Ints) -> None:
    """Make a leaf of every node one of whose sides fewer than ``K`` people are on. ``people`` are the leaves' rows'."""
    few = np.zeros(len(tree.left), bool)
    for node in range(len(few) - 1, -1, -1):
        few[node] = len(np.unique(people[tree.start[node] : tree.end[node]])) < K
        if tree.left[node] >= 0 and few[tree.left[node] : tree.left[node] + 2].any():
            tree.left[node] = -1


def _together(
    trees: Sequence[_Tree], looks: Sequence[tuple[int, Bytes]], additive: Additive | None, leader: int
) -> Forest:
    """Join trees into one set of arrays, with those tables only that some node looks at."""
    firsts = np.cumsum([0, *(len(tree.left) for tree in trees)])
    rows = np.cumsum([0, *(len(tree.leaves) for tree in trees)])
    predictor = np.concatenate([tree.predictor for tree in trees])
    nodes = np.zeros((len(predictor), 4), np.int64)
    nodes[:, 0] = np.concatenate([tree.start + row for tree, row in zip(trees, rows[:-1], strict=True)])
    nodes[:, 1] = np.concatenate([tree.end + row for tree, row in zip(trees, rows[:-1], strict=True)])
    below = [np.where(tree.left < 0, -1, tree.left + first) for tree, first in zip(trees, firsts[:-1], strict=True)]
    nodes[:, 3] = np.concatenate(below)
    splits = nodes[:, 3] >= 0
    nodes[splits, 2] = np.concatenate([tree.cut for tree in trees])[splits]
    used = [number for number in np.unique(predictor[splits]).tolist() if number < len(looks)]
    tables = [looks[number][1] for number in used]
    ends = np.cumsum([0, *(len(table) for table in tables)])
    for number, first in zip(used, ends[:-1].tolist(), strict=True):
        nodes[splits & (predictor == number), :2] = looks[number][0], first
    indexed = splits & (predictor >= len(looks))
    nodes[indexed, 0] = len(looks) - 1 - predictor[indexed]
    if additive is None or not indexed.any():
        additive = Additive([], [np.zeros((1, 1), np.float32)], np.zeros((0, 1), np.float32))
    return Forest(
        leader=leader,
        nodes=nodes.astype(np.int32),
        lookup=np.concatenate(tables) if tables else np.zeros(1, np.uint8),
        roots=firsts[:-1].astype(np.int32),
        leaves=np.concatenate([tree.leaves for tree in trees]),
        term_column=np.array(additive.of, np.int32),
        term_offset=np.cumsum([0, *map(len, additive.summands)])[: len(additive.of)].astype(np.int32),
        terms=np.concatenate(additive.summands),
        edges=additive.edges,
    )
