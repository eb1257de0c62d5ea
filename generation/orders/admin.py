"""Orders for staff: to look at and to find."""

from __future__ import annotations

from django.contrib import admin

from generation.orders.models import Order
from marketplace.accounts.staff import LookOnly


@admin.register(Order)
class OrderAdmin(LookOnly[Order]):
    list_display = ("short", "state", "account", "generator", "units", "price", "currency", "fault_owner", "created_at")
    list_select_related = ("account", "generator__generator__account")
    list_filter = ("state", "fault_owner")
    search_fields = ("account__slug", "generator__generator__name")
    ordering = ("-created_at", "-id")
