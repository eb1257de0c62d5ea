"""Payments of a loan: ``payment = amount × rate ÷ (1 − (1 + rate)⁻ⁿ)``, the rate in per cent or as a share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np

from generation.relations.columns import Bools, Column, Floats, Sample, Words, all_known, rounded, uniforms, within
from generation.relations.relation import Drawn, Relation, share_of

_HOLDS = 0.99
_LEAST_ROWS = 300
_PERIODS = {"month": 12, "year": 1}
_MOST_CANDIDATES = 12


class Annuity(Relation):
    """``out`` is what pays off the first input in as many equal parts as the third says, at the rate of the second.

    ``yearly`` divides the rate as it is written into one of a year (1 or 100), ``a_year`` says how many payments that
    has. What the rounding of amount and rate lost is put back where a payment from the drawn ones would not be exact.
    """

    kind: Literal["annuity"] = "annuity"
    yearly: int
    a_year: int
    decimals: int
    steps: tuple[float, float]

    @property
    def formula(self) -> str:
        amount, rate, number = self.inputs
        each = "month" if self.a_year == 12 else "year"
        return f"{self.out} = what pays off {amount} at {rate} in {number} payments, one a {each}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old = drawn[self.out]
        amount, rate, number = (drawn[name] for name in self.inputs)
        if any(self.steps):
            amount = amount + self.steps[0] * (uniforms(words[self.out], 0) - 0.5)
            rate = np.maximum(rate + self.steps[1] * (uniforms(words[self.out], 1) - 0.5), 0.0)
        new = rounded(_payment(amount, rate / (self.yearly * self.a_year), number), self.decimals)
        drawn[self.out] = np.where(np.isnan(old) | ~np.isfinite(new), old, new)

    def explains(self, drawn: Mapping[str, Floats]) -> Bools:
        amount, rate, number = (drawn[name] for name in self.inputs)
        least, most = (
            _payment(
                amount + side * self.steps[0] / 2,
                np.maximum(rate + side * self.steps[1] / 2, 0.0) / (self.yearly * self.a_year),
                number,
            )
            for side in (-1, 1)
        )
        return within(drawn[self.out], least, most, self.decimals)


def find_annuity(sample: Sample, out: Column, others: Collection[Column]) -> Annuity | None:
    """Return the amount, rate and number of payments among ``others`` that make ``out``."""
    if out.kind != "number" or out.decimals is None or not out.within(0, np.inf):
        return None
    numbers = [one for one in others if one.is_whole and one.within(2, 600) and one.distinct <= 120]
    rates = [one for one in others if one.kind == "number" and one.decimals and one.within(0, 100)]
    amounts = [one for one in others if one.kind == "number" and one.decimals is not None and one.within(0, np.inf)]
    larger = [one for one in amounts if np.nanmedian(one.values) > np.nanmedian(out.values)]
    for number in numbers[:_MOST_CANDIDATES]:
        for amount in larger[:_MOST_CANDIDATES]:
            if amount.name == number.name or not _pays_off(out, amount, number):
                continue
            for rate in rates[:_MOST_CANDIDATES]:
                different = rate.name not in (number.name, amount.name)
                if different and (found := _annuity(out, amount, rate, number)) is not None:
                    return found
    return None


def _pays_off(out: Column, amount: Column, number: Column) -> bool:
    """Whether all payments together are the amount at least and each is less than that, whatever the rate."""
    known = all_known([out, amount, number])
    if known.sum() < _LEAST_ROWS:
        return False
    paid, owed, parts = (one.values[known] for one in (out, amount, number))
    return bool(((paid * parts >= 0.99 * owed) & (paid < owed)).mean() >= _HOLDS)


def _annuity(out: Column, amount: Column, rate: Column, number: Column) -> Annuity | None:
    known = all_known([out, amount, rate, number])
    if known.sum() < _LEAST_ROWS:
        return None
    paid, owed, rates, parts = (one.values[known] for one in (out, amount, rate, number))
    last = 0.51 * 10.0 ** -(out.decimals or 0)
    steps = (10.0 ** -(amount.decimals or 0), 10.0 ** -(rate.decimals or 0))
    for a_year in _PERIODS.values():
        for yearly in (1, 100):
            step = rates / (yearly * a_year)
            made = _payment(owed, step, parts)
            exact = float((np.abs(made - paid) <= last).mean())
            up = _payment(owed + steps[0] / 2, (rates + steps[1] / 2) / (yearly * a_year), parts)
            blur = np.abs(up - made)
            share = float((np.abs(made - paid) <= last + 1.1 * blur).mean())
            if exact >= _HOLDS or (share >= _HOLDS and blur.mean() < 0.02 * max(out.spread, 1e-12)):
                return Annuity(
                    out=out.name,
                    inputs=(amount.name, rate.name, number.name),
                    share=share_of(max(exact, 0.0) if exact >= _HOLDS else share),
                    yearly=yearly,
                    a_year=a_year,
                    decimals=out.decimals or 0,
                    steps=(0.0, 0.0) if exact >= _HOLDS else steps,
                )
    return None


def _payment(amount: Floats, rate: Floats, number: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        growing: Floats = amount * rate / -np.expm1(-number * np.log1p(rate))
    paid: Floats = np.where(rate == 0, amount / number, growing)
    return paid
