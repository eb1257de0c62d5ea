"""Orders and tariffs for staff: to look at and to find."""

from __future__ import annotations

from django.contrib import admin

from generation.orders.models import Order, Tariff
from marketplace.accounts.staff import LookOnly


@admin.register(Order)
class OrderAdmin(LookOnly[Order]):
    list_display = (
        *("short", "state", "account", "generator", "units", "price", "currency"),
        *("fault_owner", "compute_paid_by", "computed", "created_at"),
    )
    list_select_related = ("account", "generator__generator__account")
    list_filter = ("state", "fault_owner", "compute_paid_by")
    search_fields = ("account__slug", "generator__generator__name")
    ordering = ("-created_at", "-id")


@admin.register(Tariff)
class TariffAdmin(LookOnly[Tariff]):
    list_display = (
        "generator",
        "number",
        "base",
        "per_unit",
        "per_units",
        "minimum",
        "currency",
        "set_by",
        "created_at",
    )
    list_select_related = ("generator__account", "set_by")
    search_fields = ("generator__account__slug", "generator__name")
    ordering = ("-created_at", "-id")
