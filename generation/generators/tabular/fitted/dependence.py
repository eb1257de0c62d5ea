"""What ties features together: the correlations of a Gaussian copula, estimated on normal scores of segments.

Scores are bounded and sums run over at least ``_LEAST_PAIRS`` people, so no one person can be read from a correlation;
they are rounded to three digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.generators.tabular.fitted.marginals import Learned
from generation.generators.tabular.fitted.privacy import Floats, People

_LEAST_PAIRS = 50
_LARGEST = 0.995
_ROWS = 20_000  # enough to find an order
_OTHERS = 100


def order_levels(learned: Sequence[Learned]) -> list[Learned]:
    """Put the levels of each category into the order in which the other features tell them apart best.

    A copula needs an order. It is the first axis of a correspondence analysis of the category against all others
    (Greenacre, "Theory and Applications of Correspondence Analysis", 1984): the direction in which the levels differ
    most by their mean scores and shares.
    """
    part = [Learned(one.marginal, one.segments[:_ROWS]) for one in learned]
    return [
        one.reorder(np.argsort(_first_axis(part, i), kind="stable")) if _is_nominal(one) else one
        for i, one in enumerate(learned)
    ]


def _is_nominal(one: Learned) -> bool:
    return one.marginal.levels is not None and len(one.marginal) > 2


def _first_axis(learned: Sequence[Learned], number: int) -> Floats:
    """Return the place of each level of feature ``number`` on the first axis that others give it."""
    own = learned[number]
    size = len(own.marginal)
    others = [one for i, one in enumerate(learned) if i != number and len(one.marginal) > 1][:_OTHERS]
    means = [_shares_within(own, one) if _is_nominal(one) else _mean_scores(own, one) for one in others]
    if not means:
        return np.zeros(size)
    weights = np.sqrt(own.marginal.shares)[:, None]
    axis: Floats = np.linalg.svd(np.concatenate(means, axis=1) * weights, full_matrices=False)[0][:, 0] / weights[:, 0]
    return axis if axis[np.argmax(np.abs(axis))] > 0 else -axis


def _mean_scores(own: Learned, other: Learned) -> Floats:
    """The mean score of ``other`` in each level of ``own`` (levels × 1)."""
    both = (own.segments >= 0) & (other.segments >= 0)
    groups = own.segments[both]
    sums = np.bincount(groups, weights=_row_scores(other)[both], minlength=len(own.marginal))
    means: Floats = sums / np.maximum(np.bincount(groups, minlength=len(own.marginal)), 1)
    return means[:, None]


def _shares_within(own: Learned, other: Learned) -> Floats:
    """The shares of the levels of ``other`` in each level of ``own``, over what is expected (levels × levels)."""
    both = (own.segments >= 0) & (other.segments >= 0)
    rows, columns = len(own.marginal), len(other.marginal)
    counts = np.bincount(own.segments[both] * columns + other.segments[both], minlength=rows * columns)
    table = counts.reshape(rows, columns).astype(np.float64)
    shares = table.sum(axis=0) / max(float(table.sum()), 1.0)
    within: Floats = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    excess: Floats = (within - shares) / np.sqrt(np.maximum(shares, 1e-9))
    return excess


def _row_scores(one: Learned) -> Floats:
    """The normal score of each row's segment, 0 where it has none."""
    return np.append(one.marginal.scores(), 0.0)[one.segments]


def copula(learned: Sequence[Learned], people: People) -> Floats:
    """Return the lower Cholesky factor (d × d) of the latent correlations of ``d`` learned features.

    For scores s that are conditional means of latent normal variables, cov(s, t) = r · var(s) · var(t) to first order
    in the correlation r, which undoes the weakening by coarse segments. Pairs too few rows share are taken as
    independent.
    """
    size = len(learned)
    if size == 0:
        return np.empty((0, 0))
    weight = np.sqrt(people.weights(len(learned[0].segments)))[:, None]
    scores = np.stack([_row_scores(one) for one in learned], axis=1) * weight
    known = np.stack([one.segments >= 0 for one in learned], axis=1) * weight
    pairs = known.T @ known
    variances = np.array([float(np.dot(one.marginal.shares, one.marginal.scores() ** 2)) for one in learned])
    covariances = (scores.T @ scores) / np.maximum(pairs, 1.0)
    latent = covariances / np.maximum(np.outer(variances, variances), 1e-6)
    latent[pairs < _LEAST_PAIRS] = 0.0
    latent = np.clip(np.round(latent, 3), -_LARGEST, _LARGEST)
    np.fill_diagonal(latent, 1.0)
    factor: Floats = np.linalg.cholesky(_positive(latent)).astype(np.float64)
    return factor


def _positive(matrix: Floats) -> Floats:
    """Return the correlation matrix after raising small eigenvalues (Rousseeuw and Molenberghs, 1993, shrinking)."""
    values, vectors = np.linalg.eigh(matrix)
    raised = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(raised))
    scaled: Floats = raised / np.outer(scale, scale)
    return scaled
