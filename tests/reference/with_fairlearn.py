"""What Fairlearn says of predictions; run in its own environment by ``python -m tests.reference``."""

import json
import sys
from pathlib import Path

from fairlearn import metrics
from pyarrow import parquet as pq

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")
MEASURES = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
)


def main(folder: Path) -> None:
    table = pq.read_table(folder / "fairness.predictions.parquet").to_pandas()
    truth, chosen, groups = table["truth"], table["chosen"], table["group"]
    by_group = metrics.MetricFrame(
        metrics={name: getattr(metrics, name) for name in RATES},
        y_true=truth,
        y_pred=chosen,
        sensitive_features=groups,
    ).by_group
    measures = {
        name: float(getattr(metrics, name)(truth, chosen, sensitive_features=groups, method="between_groups"))
        for name in MEASURES
    }
    json.dump({"rates": {name: by_group[name].to_dict() for name in RATES}, "measures": measures}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
