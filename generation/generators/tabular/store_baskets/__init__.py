"""Baskets of a made-up chain of stores, line by line."""

from generation.generators.tabular.store_baskets.maker import store_baskets as generator

__all__ = ["generator"]
