"""``tabular``: learns a table that a buyer uploads and makes a new one of the same columns and types.

``privacy`` decides what may be carried over, ``marginals`` holds each column's distribution, ``dependence`` what ties
the columns together (a Gaussian copula), ``keys`` makes keys anew, ``encoding`` turns columns into numbers and back,
``understanding`` says beforehand what becomes of each column, ``table`` is the generator.
"""

from generation.generators.tabular.fitted.table import FittedTable, Parameters
from generation.generators.tabular.fitted.understanding import ColumnPlan, understood

generator = FittedTable()

__all__ = ["ColumnPlan", "FittedTable", "Parameters", "generator", "understood"]
