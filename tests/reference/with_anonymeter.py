"""What Anonymeter says of a made table of which three in ten rows are copies; run in its own environment.

Prints, for each attack: how often it succeeded on fitted rows and on the control, and the risk with its interval.
"""

import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator
from pyarrow import parquet as pq

warnings.simplefilter("ignore")
ATTACKS = 1000


def main(folder: Path) -> None:
    fitted, holdout, made = (
        pq.read_table(folder / f"privacy.{name}.parquet").to_pandas() for name in ("fitted", "holdout", "made")
    )
    names, rows = list(fitted.columns), len(fitted)
    found = {}
    for mode in ("univariate", "multivariate"):
        evaluator = SinglingOutEvaluator(ori=fitted, syn=made, control=holdout, n_attacks=ATTACKS, seed=1)
        found[f"singling_out_{mode}"] = said(evaluator.evaluate(mode=mode))
    halves = (names[::2], names[1::2])
    evaluator = LinkabilityEvaluator(ori=fitted, syn=made, control=holdout, aux_cols=halves, n_attacks=rows)
    found["linkability"] = said(evaluator.evaluate(n_jobs=1))
    for secret in names:
        evaluator = InferenceEvaluator(
            ori=fitted,
            syn=made,
            control=holdout,
            aux_cols=[name for name in names if name != secret],
            secret=secret,
            regression=pd.api.types.is_numeric_dtype(fitted[secret]),
            n_attacks=rows,
        )
        found[f"inference {secret}"] = said(evaluator.evaluate(n_jobs=1))
    json.dump(found, sys.stdout)


def said(evaluator: SinglingOutEvaluator | LinkabilityEvaluator | InferenceEvaluator) -> dict:
    risk, results = evaluator.risk(), evaluator.results()
    return {
        "attack": {"tried": results.n_attacks_ori, "succeeded": int(results.n_success)},
        "control": {"tried": results.n_attacks_control, "succeeded": int(results.n_control)},
        "risk": float(risk.value),
        "interval": [float(bound) for bound in risk.ci],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
