"""MOSTLY AI's TabularARGN with its defaults."""

import pandas as pd
from mostlyai.engine import TabularARGN
from timed import run


def learn(table: pd.DataFrame):
    model = TabularARGN(random_state=0, verbose=0)
    model.fit(table)
    return lambda rows: model.sample(rows)


if __name__ == "__main__":
    run(learn)
