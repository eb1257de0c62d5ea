"""What ties features together: the correlations of a Gaussian copula, estimated on normal scores of segments.

Scores are bounded and sums run over at least ``_LEAST_PAIRS`` people, so no one person can be read from a correlation;
they are rounded to three digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.generators.tabular.fitted.marginals import Learned
from generation.generators.tabular.fitted.privacy import Floats, Ints, People

_LEAST_PAIRS = 50
_LARGEST = 0.995
_ROUNDS = 10


def order_levels(learned: Sequence[Learned]) -> list[Learned]:
    """Put the levels of categories into the order in which they follow the table's first common axis.

    Alternating least squares of homogeneity analysis (Gifi, "Nonlinear multivariate analysis", 1990, chapter 3): a
    row's place is the mean of its scores, a level's score the mean place of its rows. A copula needs an order; this is
    the one along which most columns agree.
    """
    scores = [_row_scores(one) for one in learned]
    nominal = [i for i, one in enumerate(learned) if one.marginal.levels is not None and len(one.marginal) > 2]
    axis = np.zeros(len(learned[0].segments)) if learned else np.empty(0)
    for _ in range(_ROUNDS if nominal else 0):
        axis = _common_axis(scores, axis)
        for i in nominal:
            scores[i] = _standard(_level_means(learned[i], axis - scores[i])[learned[i].segments], learned[i].segments)
    result = list(learned)
    for i in nominal:
        means = _level_means(learned[i], _common_axis(scores, axis) - scores[i])[:-1]
        result[i] = learned[i].reorder(np.argsort(means, kind="stable"))
    return result


def _common_axis(scores: Sequence[Floats], axis: Floats) -> Floats:
    """Sum the scores, each weighted by how far it goes along with the present axis."""
    total = np.zeros_like(axis)
    for score in scores:
        weight = float(np.dot(score, axis)) / (float(np.dot(axis, axis)) or 1.0) if axis.any() else 1.0
        total += weight * score
    spread = float(total.std())
    return total / spread if spread > 0 else total


def _row_scores(one: Learned) -> Floats:
    """The normal score of each row's segment, 0 where it has none."""
    return np.append(one.marginal.scores(), 0.0)[one.segments]


def _level_means(one: Learned, axis: Floats) -> Floats:
    """The mean of ``axis`` in each segment, and a 0 for the rows without one."""
    known = one.segments >= 0
    sums = np.bincount(one.segments[known], weights=axis[known], minlength=len(one.marginal))
    rows = np.bincount(one.segments[known], minlength=len(one.marginal))
    return np.append(sums / np.maximum(rows, 1), 0.0)


def _standard(values: Floats, segments: Ints) -> Floats:
    known = segments >= 0
    centred = np.where(known, values - values[known].mean(), 0.0)
    spread = float(centred[known].std())
    return centred / spread if spread > 0 else centred


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
