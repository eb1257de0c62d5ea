"""One feature given those drawn before it: trees grown on parts of the rows, whose leaves are histograms of codes.

A tree is grown on a part and filled with all rows: the cuts that a part of the rows suggests fit the others less well,
so that a leaf says less of those it was cut around (honest trees: Wager and Athey, "Estimation and inference of
heterogeneous treatment effects using random forests", 2018, who fill with the others alone).
Classification and regression trees as synthesizers: Reiter, "Using CART to generate partially synthetic public use
microdata", 2005; Nowok, Raab and Dibben, "synthpop", 2016.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from generation.generators.tabular.fitted.additive import Additive, Singles, learn_additive
from generation.generators.tabular.fitted.embedding import orderings, points
from generation.generators.tabular.fitted.features import Bytes, Coded, Codes, Words
from generation.generators.tabular.fitted.kernels import fill, grow, sort_slices
from generation.generators.tabular.fitted.privacy import Floats, Ints, K, People
from generation.sdk import Streams

_LEAST_ROWS = 20  # of a leaf, of those that it is grown on
_FLOOR = 10  # the same, of one that explains much
_STRONG = 0.5
_SIGNIFICANT = 2.65  # standard deviations; lower ones learn the rows by heart
_DEPTH = 40
_TREES = 5
_PART = 0.6  # of the rows, which a tree is grown on
_MOST_PREDICTORS = 48
_FAVOUR = 1.5
_EVERY = 255  # the last bin that there may be
_MOST_WHOLE = 1 << 20  # of a coordinate: squares of sums stay exact


@dataclass(frozen=True)
class Forest:
    """The trees of one feature, which begin at ``roots`` of its ``nodes`` (n × 4).

    A node is (column, offset, cut, below): it looks at the code in column ``column`` by the table that begins at
    ``offset`` of ``lookup``; up to ``cut`` it goes to node ``below``, else to the one after that. Additive indexes are
    columns behind those of all features. A leaf leads to itself, whatever it looks at; its codes are those of
    ``leaves`` between its two ``slices`` (n × 2), in order. ``leader`` is the feature with which this one is missing,
    or -1.
    """

    leader: int
    nodes: Codes
    slices: Codes
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


@dataclass(frozen=True)
class _Grown:
    """What all trees of a feature grow on; see ``kernels.grow``."""

    bins: Bytes
    firsts: Words
    favours: Floats
    words: Words
    norms: Floats
    codes: Codes
    needed: float


def grow_forest(
    coded: Sequence[Coded],
    traits: Sequence[Floats],
    target: int,
    earlier: Sequence[int],
    leader: int,
    ties: Floats,
    people: People,
    streams: Streams,
    favourites: Collection[int] = (),
) -> Forest:
    """Learn feature ``target`` from the features ``earlier``, where ``leader`` (-1: none) is not missing.

    ``traits`` are those that additive indexes add up. Splits on ``favourites`` count for more: what hangs on them
    matters most to whoever uses the rows.
    """
    own = coded[target]
    known = own.known if leader < 0 else own.known & (coded[leader].codes > 0) & (own.codes > 0)
    rows = np.flatnonzero(known)
    telling = sorted(earlier, key=lambda i: (-ties[target, i], i))
    looked_at = {*telling[:_MOST_PREDICTORS], *favourites}
    earlier = [i for i in earlier if i in looked_at]
    places = points(own, rows, [coded[i] for i in telling], streams)
    looks = [(i, lookup) for i in earlier for lookup in orderings(coded[i], rows, own, places)]
    additive = learn_additive(coded, traits, target, rows, telling, places)
    bins = [lookup[coded[i].codes] for i, lookup in looks] + (additive.bins(coded) if additive else [])
    sizes = [int(lookup.max()) + 1 for _, lookup in looks] + ([256] * len(additive.edges) if additive else [])
    favours = np.ones(len(bins))
    favours[[number for number, (i, _) in enumerate(looks) if i in favourites]] = _FAVOUR
    words, norms = _packed(places, len(rows))
    grown = _Grown(
        bins=np.stack(bins, axis=1) if bins else np.empty((len(own.codes), 0), np.uint8),
        firsts=np.cumsum([0, *sizes]).astype(np.uint64),
        favours=favours,
        words=words[own.codes],
        norms=norms[own.codes],
        codes=own.codes,
        needed=_gain_of_chance(places, np.bincount(own.codes[rows], minlength=len(places))),
    )
    rng = streams.rng(f"trees {own.stream}")
    trees = []
    for _ in range(_TREES):
        part = np.sort(rng.permutation(rows)[: max(1, int(len(rows) * _PART))])
        trees.append(_grow_tree(grown, part, rows, people))
    return _together(trees, looks, additive, leader, target, len(coded))


def _packed(places: Floats, rows: int) -> tuple[Words, Floats]:
    """Return the points as whole numbers, two in a word, so that sums of ``rows`` fit; and the squares of their norms.

    Whole numbers add up to the same in any order, and what was added can be taken away.
    """
    low = places.min(axis=0)
    width = max(float((places - low).max()), 1e-300)
    whole = np.rint((places - low) * (min(_MOST_WHOLE, (2**32 - 1) // max(rows, 1)) / width))
    halves = np.concatenate([np.ones((len(whole), 1)), whole], axis=1).astype(np.uint64)
    return halves[:, ::2] | halves[:, 1::2] << np.uint64(32), (whole**2).sum(axis=1)


def _gain_of_chance(places: Floats, counts: Ints) -> float:
    """Return the gain over its mean that a split by chance stays below: a chi-squared quantile over its freedom.

    Wilson and Hilferty, "The distribution of chi-square", 1931; the freedom is that of the places' covariance, where
    ``counts`` rows are at each.
    """
    if counts.sum() < 2:
        return np.inf
    widths = np.linalg.eigvalsh(np.cov(places.T, fweights=counts))
    freedom = max(1.0, float(widths.sum() ** 2 / max((widths**2).sum(), 1e-30)))
    return float(max(0.0, 1 - 2 / (9 * freedom) + _SIGNIFICANT * np.sqrt(2 / (9 * freedom))) ** 3)


def _grow_tree(grown: _Grown, part: Ints, rows: Ints, people: People) -> _Tree:
    """Grow a tree on ``part`` of the ``rows`` and fill it with all of them."""
    most = 2 * (len(part) // _FLOOR) + 3
    predictor, cut, left, start, end = (np.zeros(most, np.int32) for _ in range(5))
    size = grow(
        grown.bins,
        grown.firsts,
        grown.favours,
        grown.words,
        grown.norms,
        part.astype(np.int32),
        _LEAST_ROWS,
        _FLOOR,
        _STRONG,
        grown.needed,
        _DEPTH,
        predictor,
        cut,
        left,
        start,
        end,
    )
    predictor, cut, left, start, end = (array[:size] for array in (predictor, cut, left, start, end))
    order = np.empty(len(rows), np.int32)
    fill(grown.bins, predictor, cut, left, rows.astype(np.int32), order, start, end)
    tree = _Tree(predictor, cut, left, start, end, grown.codes[order])
    if people.codes is not None:
        _close_to_few(tree, people.codes[order])
    ends = tree.left < 0
    sort_slices(tree.leaves, tree.start[ends], tree.end[ends])  # forget the order of rows
    return tree


def _close_to_few(tree: _Tree, people: Ints) -> None:
    """Make a leaf of every node one of whose sides fewer than ``K`` people are on. ``people`` are the leaves' rows'."""
    few = np.zeros(len(tree.left), bool)
    for node in range(len(few) - 1, -1, -1):
        few[node] = len(np.unique(people[tree.start[node] : tree.end[node]])) < K
        if tree.left[node] >= 0 and few[tree.left[node] : tree.left[node] + 2].any():
            tree.left[node] = -1


def _together(
    trees: Sequence[_Tree],
    looks: Sequence[tuple[int, Bytes]],
    additive: Additive | None,
    leader: int,
    target: int,
    features: int,
) -> Forest:
    """Join trees into one set of arrays, with those tables only that some node looks at."""
    firsts = np.cumsum([0, *(len(tree.left) for tree in trees)])
    rows = np.cumsum([0, *(len(tree.leaves) for tree in trees)])
    predictor = np.concatenate([tree.predictor for tree in trees])
    below = [np.where(tree.left < 0, -1, tree.left + first) for tree, first in zip(trees, firsts[:-1], strict=True)]
    nodes = np.zeros((len(predictor), 4), np.int32)
    nodes[:, 3] = np.concatenate(below)
    leaf = nodes[:, 3] < 0
    nodes[:, 2] = np.concatenate([tree.cut for tree in trees])
    nodes[leaf, 0], nodes[leaf, 2], nodes[leaf, 3] = target, _EVERY, np.flatnonzero(leaf)
    slices = np.zeros((len(predictor), 2), np.int32)
    slices[:, 0] = np.concatenate([tree.start + row for tree, row in zip(trees, rows[:-1], strict=True)])
    slices[:, 1] = np.concatenate([tree.end + row for tree, row in zip(trees, rows[:-1], strict=True)])
    used = [number for number in np.unique(predictor[~leaf]).tolist() if number < len(looks)]
    tables = [looks[number][1] for number in used]
    ends = np.cumsum([0, *(len(table) for table in tables)])
    for number, first in zip(used, ends[:-1].tolist(), strict=True):
        nodes[~leaf & (predictor == number), :2] = looks[number][0], first
    indexed = ~leaf & (predictor >= len(looks))
    nodes[indexed, 0] = features + predictor[indexed] - len(looks)
    nodes[indexed, 1] = ends[-1]
    if additive is None or not indexed.any():
        additive = Additive([], [np.zeros((1, 1), np.float32)], np.zeros((0, 1), np.float32))
    return Forest(
        leader=leader,
        nodes=nodes,
        slices=slices,
        # each bin of an index stands for itself
        lookup=np.concatenate([*tables, np.arange(_EVERY + 1, dtype=np.uint8)]),
        roots=firsts[:-1].astype(np.int32),
        leaves=np.concatenate([tree.leaves for tree in trees]),
        term_column=np.array(additive.of, np.int32),
        term_offset=np.cumsum([0, *map(len, additive.summands)])[: len(additive.of)].astype(np.int32),
        terms=np.concatenate(additive.summands),
        edges=additive.edges,
    )
