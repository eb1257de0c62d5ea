"""Money for staff: to look at and to find. What changes it are billing's verbs and the pages for staff."""

from __future__ import annotations

from django.contrib import admin

from billing.models import (
    BillingProfile,
    Dispute,
    Entry,
    Event,
    Invoice,
    Payable,
    Payment,
    PayoutHold,
    Purchase,
    Reconciliation,
    Refund,
    Reversal,
    SellerAccount,
    Transaction,
    Transfer,
)
from marketplace.accounts.staff import LookOnly


@admin.register(Payment)
class PaymentAdmin(LookOnly[Payment]):
    list_display = ("account", "seller", "amount", "currency", "state", "captured", "refunded", "created_at")
    list_select_related = ("account", "seller")
    list_filter = ("state", "capture")
    search_fields = ("account__slug", "description", "intents__stripe_id")
    ordering = ("-created_at", "-id")


@admin.register(Purchase)
class PurchaseAdmin(LookOnly[Purchase]):
    list_display = ("short", "account", "offer", "state", "created_at", "fulfilled_at")
    list_select_related = ("account", "offer__terms", "offer__listing__dataset__account")
    list_filter = ("state",)
    search_fields = ("account__slug", "version__dataset__name")
    ordering = ("-created_at", "-id")


@admin.register(Refund)
class RefundAdmin(LookOnly[Refund]):
    """Asked for on the page of its payment."""

    list_display = ("payment", "amount", "reason", "state", "requested_by", "created_at")
    list_select_related = ("payment__account", "requested_by")
    list_filter = ("state", "reason")
    search_fields = ("stripe_id", "payment__account__slug")
    ordering = ("-created_at", "-id")


@admin.register(Dispute)
class DisputeAdmin(LookOnly[Dispute]):
    list_display = ("stripe_id", "payment", "amount", "state", "evidence_due", "opened_at")
    list_select_related = ("payment__account",)
    list_filter = ("state",)
    search_fields = ("stripe_id", "payment__account__slug")
    ordering = ("-opened_at", "-id")


@admin.register(Event)
class EventAdmin(LookOnly[Event]):
    """Dead letters are replayed under ``/money/events``."""

    list_display = ("type", "stripe_id", "object_id", "state", "received_at")
    list_filter = ("state",)
    search_fields = ("stripe_id", "object_id", "type")
    ordering = ("-received_at", "-id")


@admin.register(Transaction)
class TransactionAdmin(LookOnly[Transaction]):
    list_display = ("key", "payment", "currency", "at")
    list_select_related = ("payment__account",)
    search_fields = ("key", "payment__account__slug")
    ordering = ("-at", "-id")


@admin.register(Entry)
class EntryAdmin(LookOnly[Entry]):
    list_display = ("transaction", "book", "seller", "amount")
    list_select_related = ("transaction", "seller")
    list_filter = ("book",)
    search_fields = ("transaction__key", "seller__slug")
    ordering = ("-id",)


@admin.register(Invoice)
class InvoiceAdmin(LookOnly[Invoice]):
    list_display = ("number", "kind", "account", "gross", "tax", "currency", "issued_at")
    list_select_related = ("account",)
    list_filter = ("kind", "year")
    search_fields = ("number", "account__slug")
    ordering = ("-issued_at", "-id")


@admin.register(BillingProfile)
class BillingProfileAdmin(LookOnly[BillingProfile]):
    """Tax ids are confirmed under ``/money/tax-ids``."""

    list_display = ("legal_name", "account", "country", "tax_id", "tax_id_checked_at")
    list_select_related = ("account",)
    search_fields = ("legal_name", "account__slug", "tax_id")
    ordering = ("legal_name", "id")


@admin.register(Reconciliation)
class ReconciliationAdmin(LookOnly[Reconciliation]):
    list_display = ("day", "state", "movements", "stripe", "ledger", "made_at")
    list_filter = ("state",)
    ordering = ("-day",)


@admin.register(SellerAccount)
class SellerAccountAdmin(LookOnly[SellerAccount]):
    """Looked after on the pages under ``/money/sellers``."""

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
    """Placed and decided on the pages under ``/money/sellers``."""

    list_display = ("account", "state", "review_by", "placed_by", "placed_at", "answered_at", "decided_at")
    list_select_related = ("account", "placed_by")
    list_filter = ("state",)
    search_fields = ("account__slug",)
    ordering = ("-placed_at", "-id")
