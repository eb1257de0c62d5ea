"""The models of orders."""

from generation.orders.models.order import Order

__all__ = ["Order"]
