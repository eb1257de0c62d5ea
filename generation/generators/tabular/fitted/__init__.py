"""``tabular``: learns a table that a buyer uploads and makes a new one of the same columns and types.

``privacy`` decides what may be carried over. ``encoding`` turns columns into features and back: numbers by
``intervals`` and ``rounding``, categories by ``levels``, identifiers by ``surrogates`` and ``names``. ``order`` puts
features one after the other, ``trees`` learns each from those before it (``embedding``, ``additive``, ``kernels``).
``model`` learns and draws, ``store`` keeps what was learned, ``keys`` makes keys anew, ``understanding`` says
beforehand what becomes of each column, ``table`` is the generator.
"""

from generation.generators.tabular.fitted.table import FittedTable, Parameters
from generation.generators.tabular.fitted.understanding import ColumnPlan, understood

generator = FittedTable()

__all__ = ["ColumnPlan", "FittedTable", "Parameters", "generator", "understood"]
