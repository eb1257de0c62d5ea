"""Addresses of billing."""

from django.urls import path

from billing.views import invoices, profiles, purchases, webhook

app_name = "billing"

urlpatterns = [
    path("datasets/<slug:owner>/<slug:name>/buy", purchases.buy, name="buy"),
    path("purchases/<uuid:purchase_id>", purchases.purchase, name="purchase"),
    path("purchases/<uuid:purchase_id>/state", purchases.purchase_state, name="purchase-state"),
    path("purchases/<uuid:purchase_id>/pay", purchases.pay, name="pay"),
    path("purchases/<uuid:purchase_id>/cancel", purchases.cancel, name="cancel"),
    path("purchases/<uuid:purchase_id>/give-back", purchases.give_back, name="give-back"),
    path("billing", invoices.overview, name="overview"),
    path("billing/profile", profiles.profile, name="profile"),
    path("invoices/<uuid:invoice_id>", invoices.invoice, name="invoice"),
    path("invoices/<uuid:invoice_id>.pdf", invoices.invoice_pdf, name="invoice-pdf"),
    path("webhooks/stripe", webhook.stripe_webhook, name="stripe-webhook"),
]
