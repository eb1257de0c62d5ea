"""The models of orders."""

from generation.orders.models.order import Order
from generation.orders.models.tariff import Tariff

__all__ = ["Order", "Tariff"]
