"""SDV's Gaussian copula with its defaults."""

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer
from timed import run


def learn(table: pd.DataFrame):
    tables = {"table": table}
    model = GaussianCopulaSynthesizer(Metadata.detect_from_dataframes(tables))
    model.fit(tables)
    return lambda rows: model.sample(rows)["table"]


if __name__ == "__main__":
    run(learn)
