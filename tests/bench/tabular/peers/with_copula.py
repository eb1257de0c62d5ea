"""SDV's Gaussian copula with its defaults."""

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer
from timed import run


def learn(table: pd.DataFrame):
    model = GaussianCopulaSynthesizer(Metadata.detect_from_dataframe(table))
    model.fit(table)
    return lambda rows: model.sample(rows)


if __name__ == "__main__":
    run(learn)
