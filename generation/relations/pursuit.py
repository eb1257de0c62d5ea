"""Matching pursuit: which two or three columns add up to another, with whole weights.

Stéphane Mallat and Zhifeng Zhang, Matching Pursuits with Time-Frequency Dictionaries, IEEE Transactions on Signal
Processing 41 (1993); after each step all weights are fitted again (the orthogonal variant of Pati et al., 1993).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.relations.columns import Floats

_STARTS = 3
_MOST_TERMS = 3


def whole_weights(terms: Floats, target: Floats, *, largest: int, off: float) -> Iterator[tuple[list[int], Floats]]:
    """Yield (columns of ``terms``, their whole weights) that may make up ``target``, the more likely ones first.

    Rows are centred, so a constant does not matter. Weights lie within ``off`` of a whole number from 1 to ``largest``
    in size.
    """
    centred, wanted = terms - terms.mean(axis=0), target - target.mean()
    lengths = np.sqrt((centred**2).sum(axis=0)) + 1e-12
    for start in np.argsort(-np.abs(centred.T @ wanted) / lengths, kind="stable")[:_STARTS].tolist():
        chosen = [int(start)]
        while len(chosen) < min(_MOST_TERMS, terms.shape[1]):
            left = wanted - centred[:, chosen] @ _fitted(centred[:, chosen], wanted)
            told = np.abs(centred.T @ left) / lengths
            told[chosen] = -1
            chosen.append(int(told.argmax()))
            weights = _fitted(centred[:, chosen], wanted)
            whole = np.rint(weights)
            if np.abs(weights - whole).max() <= off and (whole != 0).all() and np.abs(whole).max() <= largest:
                yield list(chosen), whole


def _fitted(terms: Floats, target: Floats) -> Floats:
    return np.linalg.lstsq(terms, target, rcond=None)[0].astype(np.float64)
