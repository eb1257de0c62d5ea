"""Values of a target as points: squared distances say how different two values are, so that trees know what to part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.generators.tabular.fitted.features import Bytes, Coded, Codes
from generation.generators.tabular.fitted.kernels import DIMENSIONS, add_by
from generation.generators.tabular.fitted.privacy import Floats, Ints
from generation.sdk import Streams

_ROUNDS = 8
_SPARE = 4
_OTHERS = 24
_OTHERS_OF_MANY = 8
_PARTS = 64
_PARTS_OF_MANY = 16
_MANY = 2_000  # levels
_BINS = 128
_AXES = 2
_PRIOR = 5.0  # rows that every level is given of the average


def points(target: Coded, rows: Ints, earlier: Sequence[Coded], streams: Streams) -> Floats:
    """Return a point for each code of ``target`` (codes × dimensions), learned from the chosen ``rows``."""
    codes = target.codes[rows]
    shares = np.bincount(codes, minlength=target.feature.size) / max(len(codes), 1)
    if target.feature.ordered:
        return _of_ranks(shares, nullable=target.feature.nullable)
    if target.feature.size <= DIMENSIONS:
        corners = np.zeros((len(shares), DIMENSIONS))
        np.fill_diagonal(corners, np.maximum(shares, 1e-12) ** -0.25)
        return corners
    return _of_correspondence(target, rows, shares, earlier, streams)


def _of_ranks(shares: Floats, *, nullable: bool) -> Floats:
    """A cosine basis of the rank, so that distances are Cramér and von Mises's; "missing" is a direction of its own."""
    known = shares.copy()
    known[:nullable] = 0.0
    known /= max(known.sum(), 1e-12)
    ranks = np.cumsum(known) - known / 2
    waves = np.arange(1, DIMENSIONS + 1 - nullable)
    basis = np.zeros((len(shares), DIMENSIONS))
    basis[:, : len(waves)] = np.cos(np.pi * ranks[:, None] * waves) / waves
    if nullable:
        basis[0] = 0.0
        basis[0, -1] = 1.0
    return basis


def _of_correspondence(target: Coded, rows: Ints, shares: Floats, earlier: Sequence[Coded], streams: Streams) -> Floats:
    """The leading axes of the target against earlier columns, by subspace iteration: linear in the levels.

    Greenacre, "Theory and Applications of Correspondence Analysis", 1984.
    """
    size, many = len(shares), len(shares) > _MANY
    others, parts = (_OTHERS_OF_MANY, _PARTS_OF_MANY) if many else (_OTHERS, _PARTS)
    codes = target.codes[rows].astype(np.int64)
    excess = [np.zeros((size, 1))]
    for other in earlier[:others]:
        cells = codes * parts + _coarse(other, parts)[other.codes[rows]]
        table = np.bincount(cells, minlength=size * parts).reshape(size, parts) / len(codes)
        expected = shares[:, None] * table.sum(axis=0)
        excess.append((table - expected) / np.sqrt(expected + 1e-6))
    matrix = np.concatenate(excess, axis=1)

    def times(vectors: Floats) -> Floats:
        product: Floats = matrix @ (matrix.T @ vectors) + 0.09 * shares[:, None] * vectors
        return product

    axes: Floats = streams.rng(f"axes {target.stream}").standard_normal((size, min(DIMENSIONS + _SPARE, size)))
    for _ in range(_ROUNDS):
        axes = np.linalg.qr(times(axes))[0]
    values, vectors = np.linalg.eigh(axes.T @ times(axes))
    leading = (axes @ vectors)[:, ::-1][:, :DIMENSIONS]
    scale = np.sqrt(np.maximum(values[::-1][:DIMENSIONS], 0.0))
    found: Floats = leading * scale / np.sqrt(shares + 1e-9)[:, None]
    return found / max(float(np.sqrt((shares[:, None] * found**2).sum())), 1e-12)


def _coarse(one: Coded, parts: int) -> Codes:
    """Return the part of each code: as they are if there are few, else by order, of equally many codes."""
    size = one.feature.size
    codes = np.arange(size, dtype=np.int64)
    return (codes if size <= parts else codes * parts // size).astype(np.int32)


def orderings(one: Coded, rows: Ints, target: Coded, places: Floats) -> list[Bytes]:
    """Return how a tree may look at column ``one``: tables from codes to at most 128 ordered bins.

    Numbers keep their order. Levels are ordered by the mean of the target's ``places``, along its first and its second
    axis. "Missing" has a bin of its own.
    """
    size, nullable = one.feature.size, int(one.feature.nullable)
    counts = np.bincount(one.codes[rows], minlength=size).astype(np.float64)
    if one.feature.ordered:
        return [_binned(np.arange(size), counts, nullable)]
    means = np.zeros((size, DIMENSIONS))
    add_by(one.codes, target.codes, places, rows, means)
    average = means.sum(axis=0) / max(float(counts.sum()), 1.0)
    means = (means + _PRIOR * average) / (counts + _PRIOR)[:, None] - average
    weighted = means * np.sqrt(counts)[:, None]
    _, axes = np.linalg.eigh(weighted.T @ weighted)
    wanted = _AXES if size > 3 else 1
    return [_binned(np.argsort(means @ axes[:, -1 - axis], kind="stable"), counts, 0) for axis in range(wanted)]


def _binned(order: np.ndarray, counts: Floats, alone: int) -> Bytes:
    """Return the bin of each code when they are put into ``order``; the first ``alone`` are bins of their own."""
    size = len(order)
    if size <= _BINS:
        bins = np.arange(size)
    else:
        weights = counts[order]
        weights[:alone] = 0.0
        middle = (np.cumsum(weights) - weights / 2) / max(float(weights.sum()), 1.0)
        bins = alone + np.minimum(_BINS - 1 - alone, middle * (_BINS - alone)).astype(np.int64)
        bins[:alone] = np.arange(alone)
        bins = np.unique(bins, return_inverse=True)[1]
    lookup = np.empty(size, np.uint8)
    lookup[order] = bins
    return lookup
