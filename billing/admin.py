"""Money for staff: to look at and to find. What changes it are billing's verbs."""

from __future__ import annotations

from django.contrib import admin

from billing.models import Payable, PayoutHold, Reversal, SellerAccount, Transfer
from marketplace.accounts.staff import LookOnly


@admin.register(SellerAccount)
class SellerAccountAdmin(LookOnly[SellerAccount]):
    """Looked after on the pages under ``/billing/sellers``."""

    list_display = ("account", "stripe_id", "state", "commission", "looked_at", "created_at")
    list_select_related = ("account",)
    list_filter = ("state",)
    search_fields = ("account__slug", "stripe_id")
    ordering = ("-created_at",)


@admin.register(Payable)
class PayableAdmin(LookOnly[Payable]):
    list_display = ("seller", "amount", "refunded", "disputed", "transferred", "reversed", "carried", "state")
    list_select_related = ("seller",)
    list_filter = ("state",)
    search_fields = ("seller__slug", "payment__id")
    ordering = ("-created_at", "-id")


@admin.register(Transfer)
class TransferAdmin(LookOnly[Transfer]):
    list_display = ("stripe_id", "destination", "amount", "reversed", "state", "fault_message", "created_at")
    list_filter = ("state",)
    search_fields = ("stripe_id", "destination", "payable__seller__slug")
    ordering = ("-created_at", "-id")


@admin.register(Reversal)
class ReversalAdmin(LookOnly[Reversal]):
    list_display = ("stripe_id", "transfer", "amount", "state", "fault_message", "created_at")
    list_select_related = ("transfer",)
    list_filter = ("state",)
    search_fields = ("stripe_id", "transfer__stripe_id")
    ordering = ("-created_at", "-id")


@admin.register(PayoutHold)
class PayoutHoldAdmin(LookOnly[PayoutHold]):
    """Placed and decided on the pages under ``/billing/sellers``."""

    list_display = ("account", "state", "review_by", "placed_by", "placed_at", "answered_at", "decided_at")
    list_select_related = ("account", "placed_by")
    list_filter = ("state",)
    search_fields = ("account__slug",)
    ordering = ("-placed_at", "-id")
