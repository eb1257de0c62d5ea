"""What Stripe's objects do, one module a resource. Loading this package registers their operations."""

from marketplace.local.stripe.objects import (
    accounts,
    balance,
    charges,
    checkout,
    customers,
    disputes,
    events,
    invoices,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    taxes,
    transfers,
    webhook_endpoints,
)

__all__ = [
    "accounts",
    "balance",
    "charges",
    "checkout",
    "customers",
    "disputes",
    "events",
    "invoices",
    "payment_intents",
    "payment_methods",
    "payouts",
    "refunds",
    "setup_intents",
    "taxes",
    "transfers",
    "webhook_endpoints",
]
