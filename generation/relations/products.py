"""Products and quotients of two or three columns, with a constant: ``bmi = weight × 10000 ÷ height²``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np

from generation.relations.columns import (
    Bools,
    Column,
    Floats,
    Sample,
    Words,
    all_known,
    named,
    rounded,
    uniforms,
    within,
)
from generation.relations.pursuit import whole_weights
from generation.relations.relation import Drawn, Relation, share_of

_LEAST_ROWS = 300
_HOLDS = 0.99
_BLUR = 0.05  # of the result's spread, that the rounding of the inputs may explain


class Product(Relation):
    """``out`` is ``factor`` times the inputs, each to its power of 1, 2, -1 or -2.

    The inputs were rounded after ``out`` was computed from them, so a little within their last decimal is put back
    before the product is taken: ``steps`` are what their last decimal is worth, 0 where a product of what was drawn is
    exact.
    """

    kind: Literal["product"] = "product"
    powers: tuple[int, ...]
    factor: float
    steps: tuple[float, ...]
    decimals: int

    @property
    def formula(self) -> str:
        above = [_power(name, power) for name, power in zip(self.inputs, self.powers, strict=True) if power > 0]
        below = [_power(name, -power) for name, power in zip(self.inputs, self.powers, strict=True) if power < 0]
        above = [*([f"{self.factor:g}"] if self.factor != 1 else []), *sorted(above)] or ["1"]
        return f"{self.out} = {' × '.join(above)}{''.join(f' ÷ {name}' for name in sorted(below))}"

    def put_right(self, drawn: Drawn, words: Mapping[str, Words]) -> None:
        old = drawn[self.out]
        result: Floats = np.full(len(old), self.factor)
        for place, (name, power, step) in enumerate(zip(self.inputs, self.powers, self.steps, strict=True)):
            values = drawn[name]
            if step:
                values = values + step * (uniforms(words[self.out], place) - 0.5)
            with np.errstate(divide="ignore", invalid="ignore"):
                result = result * values**power
        result = rounded(np.where(np.isfinite(result), result, np.nan), self.decimals)
        drawn[self.out] = np.where(np.isnan(old) | np.isnan(result), old, result)

    def explains(self, drawn: Mapping[str, Floats]) -> Bools:
        least, most = np.full((2, len(drawn[self.out])), self.factor)
        for name, power, step in zip(self.inputs, self.powers, self.steps, strict=True):
            with np.errstate(divide="ignore", invalid="ignore"):
                ends = [np.maximum(drawn[name] + side * step / 2, 0.0) ** power for side in (-1, 1)]
                least, most = least * np.minimum(*ends), most * np.maximum(*ends)
        return within(drawn[self.out], least, most, self.decimals)


def find_product(sample: Sample, out: Column, others: Collection[Column]) -> Product | None:
    """Return the product or quotient of two or three of ``others`` that ``out`` is."""
    if out.decimals is None or out.kind != "number":
        return None
    positive = [one for one in others if one.kind == "number" and one.decimals is not None and _is_positive(one)]
    terms = [one for one in positive if one.known[out.known].mean() > 0.95]
    known = all_known([out, *terms]) & (out.values > 0)
    if len(terms) < 2 or known.sum() < max(_LEAST_ROWS, 0.5 * out.known.sum()):
        return None
    logs = np.log(np.stack([one.values[known] for one in terms], axis=1))
    target = out.values[known]
    best: Product | None = None
    for chosen, weights in whole_weights(logs, np.log(target), largest=2, off=0.05):
        names = [terms[i].name for i in chosen]
        found = _product(sample, out, names, logs[:, chosen], weights, target)
        if found is not None and (best is None or found.share > best.share):
            best = found
    return best


def _product(
    sample: Sample, out: Column, names: list[str], logs: Floats, powers: Floats, target: Floats
) -> Product | None:
    factor = _round_factor(float(np.exp(np.median(np.log(target) - logs @ powers))))
    if not 1e-9 <= factor <= 1e9:
        return None
    result = factor * np.exp(logs @ powers)
    last = 0.51 * 10.0 ** -(out.decimals or 0) + 1e-9 * result
    exact = float((np.abs(result - target) <= last).mean())
    steps = np.array([10.0 ** -(one.decimals or 0) for one in named(sample, names)])
    blur = result * (np.abs(powers) * 0.5 * steps / np.exp(logs)).sum(axis=1)
    share = float((np.abs(result - target) <= last + blur).mean())
    if exact < _HOLDS and (share < _HOLDS or blur.mean() >= _BLUR * max(out.spread, 1e-12)):
        return None
    return Product(
        out=out.name,
        inputs=tuple(names),
        share=share_of(exact if exact >= _HOLDS else share),
        powers=tuple(int(power) for power in powers),
        factor=factor,
        steps=tuple(0.0 if exact >= _HOLDS else float(step) for step in steps),
        decimals=out.decimals or 0,
    )


def _is_positive(column: Column) -> bool:
    return bool(column.values[column.known].min() > 0)


def _round_factor(factor: float) -> float:
    """The factor to two digits if that is what it is to half a per cent, else to six."""
    short = float(f"{factor:.2g}")
    return short if abs(factor / short - 1) < 0.005 else float(f"{factor:.6g}")


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}²"
