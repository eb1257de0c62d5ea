"""``augmented``: a buyer's own table, with rows added that are like chosen ones of it, or with missing cells filled.

Rows and cells of the buyer's own come back as they are; a column says of each row whether it was made, another which of
its cells were. What is made follows the rule of ten as what ``tabular`` makes does. ``additions`` reads how many rows
are wanted of what, ``coding`` puts rows into the codes that were learned, ``filling`` draws what is missing, ``table``
is the generator: a ``sdk.Keeper``, so what comes of it never leaves its owner.
"""

from generation.generators.tabular.augmented.table import AugmentedTable, Parameters

generator = AugmentedTable()

__all__ = ["AugmentedTable", "Parameters", "generator"]
