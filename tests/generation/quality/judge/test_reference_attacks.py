"""Our attacks find what Anonymeter's find, within sampling error; our rates and measures of groups are Fairlearn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from generation.quality.judge.fairness import rates
from generation.quality.judge.frames import frames
from generation.quality.judge.privacy.distance import Space
from generation.quality.judge.privacy.rates import Rate, Risk
from generation.quality.judge.privacy.singling_out import multivariate, univariate
from generation.quality.judge.privacy.targets import aim
from tests.reference.expected import expected

CLOSE = 1e-6


@pytest.fixture(scope="module")
def risks() -> dict[str, Risk]:
    """What our attacks find in the tables that Anonymeter attacked, as often."""
    tables, _ = expected("anonymeter")
    fitted, holdout, made = frames(*(tables[f"privacy.{name}"] for name in ("fitted", "holdout", "made")))
    rng = np.random.default_rng(1)
    aimed = aim(fitted, holdout, made, Space(fitted), secrets=fitted.names)
    assert aimed.linkability is not None
    return {
        "singling_out_univariate": univariate(fitted, holdout, made, attacks=1000, rng=rng),
        "singling_out_multivariate": multivariate(fitted, holdout, made, attacks=1000, rng=rng),
        "linkability": aimed.linkability,
        **{f"inference {name}": risk for name, risk in aimed.inference.items()},
    }


def test_risks_are_those_of_anonymeter_within_sampling_error(risks: dict[str, Risk]) -> None:
    _, said = expected("anonymeter")
    assert list(risks) == list(said)
    for name, risk in risks.items():
        theirs = said[name]
        errors = [(high - low) / 2 / 1.96 for low, high in (risk.interval, theirs["interval"])]
        assert abs(risk.value - theirs["risk"]) < 3 * np.hypot(*errors), (name, risk, theirs)


def test_success_rates_are_those_of_anonymeter_within_sampling_error(risks: dict[str, Risk]) -> None:
    _, said = expected("anonymeter")
    for name, risk in risks.items():
        for ours, theirs in zip((risk.attack, risk.control), rates_of(said[name]), strict=True):
            (middle, half), (other, other_half) = ours.wilson(), theirs.wilson()
            assert abs(middle - other) < 3 * np.hypot(half, other_half) / 1.96, (name, ours, theirs)


def test_risks_and_intervals_of_the_same_counts_are_those_of_anonymeter() -> None:
    _, said = expected("anonymeter")
    for name, theirs in said.items():
        risk = Risk(*rates_of(theirs), chance=1.0)
        assert max(risk.value, 0.0) == pytest.approx(theirs["risk"], abs=CLOSE), name
        bounds = [max(bound, 0.0) for bound in risk.interval]
        assert bounds == pytest.approx(theirs["interval"], abs=CLOSE), name


def rates_of(said: dict[str, Any]) -> list[Rate]:
    return [Rate(said[name]["succeeded"], said[name]["tried"]) for name in ("attack", "control")]


def test_rates_and_measures_of_groups_are_those_of_fairlearn() -> None:
    tables, said = expected("fairlearn")
    table = tables["fairness.predictions"]
    labels, groups = np.unique(table.column("group").to_numpy(), return_inverse=True)
    truth, chosen = (table.column(name).to_numpy() == 1 for name in ("truth", "chosen"))
    found = rates(truth, chosen, groups, len(labels))
    ours = {
        "selection_rate": found.selection,
        "true_positive_rate": found.true_positive,
        "false_positive_rate": found.false_positive,
    }
    for name, values in ours.items():
        assert dict(zip(labels.tolist(), values.tolist(), strict=True)) == pytest.approx(said["rates"][name], abs=CLOSE)
    measures = {name: float(value) for name, value in found.measures().items()}
    assert measures == pytest.approx(said["measures"], abs=CLOSE)
