"""How far two distributions lie apart, and whether samples of them could be of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from generation.quality.judge.frames import Floats

#: Conventional bounds of the population stability index: below the first little changed, above the second a lot.
STABLE, SHIFTED = 0.1, 0.25


def stability_index(before: Floats, after: Floats) -> float:
    """Return the population stability index of counts by bin (Siddiqi, "Credit risk scorecards", 2006).

    Σ (q − p) ln(q / p), which is Jeffreys' divergence; half a row is added to each bin, so that empty ones are finite.
    """
    p, q = ((one + 0.5) / (one.sum() + 0.5 * len(one)) for one in (before, after))
    return float(((q - p) * np.log(q / p)).sum())


def total_variation(before: Floats, after: Floats) -> float:
    """Return the share of rows that would have to change their bin: half the sum of |p − q|."""
    p, q = (one / max(one.sum(), 1) for one in (before, after))
    return float(np.abs(p - q).sum() / 2)


def largest_gap(below: Floats, other: Floats) -> float:
    """Return the statistic of Kolmogorov and Smirnov: the largest distance between two cumulative shares."""
    return float(np.abs(below - other).max(initial=0.0))


def transport(at: Floats, below: Floats, other: Floats) -> float:
    """Return the distance of Wasserstein (order 1): the area between two cumulative shares, both step at ``at``."""
    return float((np.abs(below - other)[:-1] * np.diff(at)).sum())


def same_numbers(gap: float, rows: int, others: int) -> float:
    """Return how likely so large a gap would be of one distribution: Smirnov's limit, too large where values tie."""
    if not rows or not others:
        return 1.0
    return float(stats.kstwobign.sf(gap * np.sqrt(rows * others / (rows + others))))


def same_levels(before: Floats, after: Floats) -> float:
    """Return how likely so different counts would be of one distribution: Pearson's test of homogeneity.

    Levels of which fewer than five are expected are taken together.
    """
    counts = np.stack([before, after])
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / max(counts.sum(), 1)
    few = (expected < 5).any(axis=0)
    counts = np.column_stack([counts[:, ~few], counts[:, few].sum(axis=1)])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2 or not counts.sum(axis=1).all():
        return 1.0
    return float(stats.chi2_contingency(counts, correction=False).pvalue)


def corrected(chances: Sequence[float]) -> list[float]:
    """Correct for having tested often (Holm 1979): below α each is significant, all together with a chance of α."""
    order = np.argsort(chances, kind="stable")
    raised = np.maximum.accumulate(np.asarray(chances)[order] * (len(chances) - np.arange(len(chances))))
    result = np.empty(len(chances))
    result[order] = np.minimum(raised, 1.0)
    return [float(one) for one in result]
