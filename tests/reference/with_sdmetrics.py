"""What SDMetrics says of two pairs of tables; run in its own environment by ``python -m tests.reference``.

Prints, for each pair: the scores of its quality report as they come by default, each column's shape, each pair of
columns without thresholds and with their strength in the real table, and coverages.
"""

import itertools
import json
import math
import sys
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq
from scipy.stats.contingency import association
from sdmetrics.reports.single_table import QualityReport
from sdmetrics.single_column import CategoryCoverage, MissingValueSimilarity

warnings.simplefilter("ignore")


def main(folder: Path) -> None:
    pairs = {"people": ("likeness.real", "likeness.made"), "odd": ("likeness.odd_real", "likeness.odd_made")}
    found = {
        name: said(*(pq.read_table(folder / f"{table}.parquet") for table in both)) for name, both in pairs.items()
    }
    json.dump(found, sys.stdout)


def said(real: pa.Table, made: pa.Table) -> dict:
    metadata = {"columns": {field.name: {"sdtype": sdtype(field.type)} for field in real.schema}}
    frames = real_frame, made_frame = pandas(real), pandas(made)
    default = report(*frames, metadata, None)
    return {
        "overall": known(default.get_score()),
        "properties": scores(default.get_properties(), ["Property"]),
        "shapes": scores(default.get_details("Column Shapes"), ["Column"]),
        "pairs": scores(report(*frames, metadata, 0).get_details("Column Pair Trends"), ["Column 1", "Column 2"]),
        "counted": [
            [row["Column 1"], row["Column 2"]]
            for _, row in default.get_details("Column Pair Trends").iterrows()
            if row["Meets Threshold?"] is True
        ],
        "associations": associations(real_frame, metadata),
        "missing": {
            name: known(MissingValueSimilarity.compute(real_frame[name], made_frame[name])) for name in real_frame
        },
        "coverage": {
            name: known(CategoryCoverage.compute(real_frame[name], made_frame[name]))
            for name, column in metadata["columns"].items()
            if column["sdtype"] in ("categorical", "boolean") and real_frame[name].notna().any()
        },
    }


def sdtype(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_temporal(type_):
        return "datetime"
    return "categorical" if pa.types.is_string(type_) else "numerical"


def pandas(table: pa.Table) -> pd.DataFrame:
    frame = table.to_pandas(date_as_object=False)
    for field in table.schema:
        if pa.types.is_temporal(field.type):
            frame[field.name] = frame[field.name].dt.tz_localize(None).astype("datetime64[ns]")
    return frame


def report(real: pd.DataFrame, made: pd.DataFrame, metadata: dict, thresholds: float | None) -> QualityReport:
    found = QualityReport()
    if thresholds is not None:
        found.real_correlation_threshold = found.real_association_threshold = thresholds
    found.generate(real, made, metadata, verbose=False)
    return found


def scores(details: pd.DataFrame, names: list[str]) -> list:
    return [[*(row[name] for name in names), known(row["Score"])] for _, row in details.iterrows()]


def associations(real: pd.DataFrame, metadata: dict) -> list:
    """Cramer's V of two categories, with missing ones as one more."""
    discrete = [name for name, one in metadata["columns"].items() if one["sdtype"] in ("categorical", "boolean")]
    found = []
    for one, other in itertools.combinations(discrete, 2):
        counts = real.groupby([one, other], dropna=False).size().unstack(fill_value=0)
        found.append([one, other, known(association(counts.to_numpy())) if min(counts.shape) > 1 else None])
    return found


def known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
