"""SDV's CTGAN, of 20 rounds: too few to converge, and already many times slower than the others."""

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import CTGANSynthesizer
from timed import run

ROUNDS = 20


def learn(table: pd.DataFrame):
    model = CTGANSynthesizer(Metadata.detect_from_dataframe(table), epochs=ROUNDS, enable_gpu=False)
    model.fit(table)
    return lambda rows: model.sample(rows)


if __name__ == "__main__":
    run(learn)
