"""SDV's CTGAN, of 20 rounds: too few to converge, and already many times slower than the others."""

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer
from timed import run

ROUNDS = 20


def learn(table: pd.DataFrame):
    tables = {"table": table}
    model = CTGANSynthesizer(_typed(Metadata.detect_from_dataframes(tables), table), epochs=ROUNDS, enable_gpu=False)
    model.fit(tables)
    return lambda rows: model.sample(rows)["table"]


def _typed(metadata: Metadata, table: pd.DataFrame) -> Metadata:
    """Call numbers numbers: it refuses missing values of what is detected as anything else that has an order."""
    told = metadata.to_dict()
    for name, column in told["tables"]["table"]["columns"].items():
        if table[name].dtype.kind in "iuf":
            column.clear()
            column["sdtype"] = "numerical"
    return Metadata.load_from_dict(told)


if __name__ == "__main__":
    run(learn)
