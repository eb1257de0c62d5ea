"""Rules: what every row of a table keeps, written as people write it, one a line.

``age >= 0``, ``admitted <= discharged``, ``ward in (A, B, "Intensive care")`` (or ``not in``), ``if sex = M then
pregnant = no``, ``if died = yes then death is known``, ``unique case``. ``language`` reads them, ``holding`` says which
rows keep them. A generator promises rules in its layout's ``Table``; the writer counts on every row how far the promise
was kept.
"""

from generation.sdk.rules.holding import column_of, faults_in, rows_that_keep, rows_that_pass, value_of
from generation.sdk.rules.language import (
    Among,
    Comparison,
    Name,
    NotUnderstood,
    Presence,
    Rule,
    Sign,
    Test,
    columns_in,
    read_names,
    read_rule,
    read_tests,
)

__all__ = [
    "Among",
    "Comparison",
    "Name",
    "NotUnderstood",
    "Presence",
    "Rule",
    "Sign",
    "Test",
    "column_of",
    "columns_in",
    "faults_in",
    "read_names",
    "read_rule",
    "read_tests",
    "rows_that_keep",
    "rows_that_pass",
    "value_of",
]
