"""Attacks on single people: was this one fitted on, what is this one's secret, which two halves are one person?

All aim at every fitted row that they are given and, as a control, at every withheld one, which may be fewer, and look
for the made row that is closest to what the attacker knows, so one search serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.quality.judge.frames import Column, Frame
from generation.quality.judge.privacy.distance import Bools, Floats32, Nearest, Space, search
from generation.quality.judge.privacy.rates import Rate, Risk, normal_tail, risk

#: A guessed number is right within this share of itself.
TOLERANCE = 0.05

#: A guessed moment is right within this share of the column's spread.
_MOMENT = 0.01

#: The share of people of whom the attacker is surest.
SUREST = 0.01


@dataclass(frozen=True)
class Membership:
    """Whether the closest made row tells who was fitted on.

    ``auc`` is the chance that a fitted person is nearer to the made table than a withheld one (0.5: tells nothing).
    ``half`` takes the nearer half for fitted on (its risk is near the advantage of Yeom et al., CSF 2018), ``surest``
    the nearest 1 % alone (the low false positive rate that Carlini et al., S&P 2022, ask to look at).
    """

    auc: float
    half: Risk
    surest: Risk


@dataclass(frozen=True)
class Aimed:
    """What the attacks on single people found."""

    membership: Membership
    inference: dict[str, Risk]
    linkability: Risk | None


def aim(fitted: Frame, holdout: Frame, made: Frame, space: Space, *, secrets: Sequence[str]) -> Aimed:
    """Attack every row of ``fitted`` and, as a control, of ``holdout`` with the help of ``made``.

    *Membership*: the distance to the closest made row, by all columns. *Inference* (Giomi et al. 2023): knowing all
    other columns, the attacker takes the secret of the closest made row; a number is right within 5 %. *Linkability*
    (the same): knowing every other column of a person here and the rest there, the attacker takes both for one where
    the closest made row is the same.
    """
    reference = space.place(made)
    halves = len(made.columns) > 1
    found = [search(space.place(one), reference, halves=halves, without=secrets) for one in (fitted, holdout)]
    pairs = list(zip((fitted, holdout), found, strict=True))
    inference = {
        name: _compare([_right(real.column(name), made.column(name), one.without[name]) for real, one in pairs])
        for name in secrets
    }
    linked = [one.halves[0].place == one.halves[1].place for one in found if one.halves is not None]
    return Aimed(
        membership=_membership(found[0].whole.distance, found[1].whole.distance),
        inference=inference,
        linkability=_compare(linked) if linked else None,
    )


def _right(real: Column, made: Column, nearest: Nearest) -> Bools:
    """Return where the guess is right; that nothing is there can be guessed too."""
    guess, secret = made.values[nearest.place], real.values
    known = np.nan_to_num(secret)
    if real.kind == "category":
        allowed = np.zeros(len(known))
    elif real.kind == "time":
        low, high = np.nanquantile(secret, (0.01, 0.99)) if not np.isnan(secret).all() else (0.0, 0.0)
        allowed = np.full(len(known), _MOMENT * (high - low))
    else:
        allowed = TOLERANCE * np.abs(known)
    with np.errstate(invalid="ignore"):
        right: Bools = np.abs(guess - secret) <= allowed
    return right | (np.isnan(guess) & np.isnan(secret))


def _membership(fitted: Floats32, holdout: Floats32) -> Membership:
    every = np.concatenate([fitted, holdout])
    ordered = np.sort(every)
    half, surest = ordered[len(ordered) // 2 - 1], ordered[int(len(ordered) * SUREST)]
    return Membership(
        auc=_auc(fitted, holdout),
        half=_compare([fitted <= half, holdout <= half]),
        surest=_compare([fitted <= surest, holdout <= surest]),
    )


def _auc(nearer: Floats32, farther: Floats32) -> float:
    """Return how often one of the first is smaller than one of the second, ties half (Mann and Whitney 1947)."""
    ordered = np.sort(farther)
    below = len(ordered) - np.searchsorted(ordered, nearer, side="right")
    equal = np.searchsorted(ordered, nearer, side="right") - np.searchsorted(ordered, nearer, side="left")
    return float((below + equal / 2).mean() / len(ordered))


def _compare(successes: Sequence[Bools]) -> Risk:
    rates = [Rate(int(one.sum()), len(one)) for one in successes]
    return risk(*rates)


def auc_chance(auc: float, fitted: int, holdout: int) -> float:
    """Return how likely so large an area would be if distances told nothing (normal approximation of the rank sum)."""
    return normal_tail((auc - 0.5) / np.sqrt((fitted + holdout + 1) / (12 * fitted * holdout)))
