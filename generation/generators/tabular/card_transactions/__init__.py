"""Card transactions of synthetic customers, with planted and labelled fraud of five patterns."""

from generation.generators.tabular.card_transactions.generator import CardTransactions

generator = CardTransactions()

__all__ = ["CardTransactions", "generator"]
