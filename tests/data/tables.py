"""Two small real tables: patients with diabetes (442 rows) and breast tumours (569 rows), bundled with scikit-learn.

Diabetes: Efron, Hastie, Johnstone and Tibshirani, "Least angle regression" (2004). Tumours: Wolberg, Mangasarian and
Street, UCI (1993), CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv
from sklearn import datasets


def diabetes() -> pa.Table:
    """Return the patients: whole and decimal numbers, a category of two levels."""
    bundle: Any = datasets.load_diabetes(scaled=False)
    columns = {name: bundle.data[:, i] for i, name in enumerate(bundle.feature_names)}
    return pa.table(
        {
            "age": columns["age"].astype(np.int64),
            "sex": np.where(columns["sex"] == 1, "first", "second"),
            "bmi": columns["bmi"],
            "blood_pressure": columns["bp"],
            "cholesterol": columns["s1"].astype(np.int64),
            "glucose": columns["s6"].astype(np.int64),
            "progression": bundle.target.astype(np.int64),
        }
    )


def tumours() -> pa.Table:
    """Return the tumours: thirty measures with a diagnosis of two levels; five of them are enough here."""
    bundle: Any = datasets.load_breast_cancer()
    names = ["mean radius", "mean texture", "mean perimeter", "mean smoothness", "worst area"]
    columns = {name: bundle.data[:, list(bundle.feature_names).index(name)] for name in names}
    diagnosis = np.array(["malignant", "benign"])[bundle.target]
    return pa.table({"diagnosis": diagnosis, **columns})


def write_csv(table: pa.Table, path: Path) -> Path:
    """Write a table as CSV with a header; missing values are empty fields."""
    csv.write_csv(table, path)
    return path
