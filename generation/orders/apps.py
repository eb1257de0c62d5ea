"""The Django application generation.orders."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "generation.orders"
    label = "orders"
