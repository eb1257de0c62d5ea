"""Addresses of billing."""

from django.urls import path

from billing.views import invoices, profiles, purchases, seller_staff, sellers, staff, webhook

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
    path("money", staff.overview, name="staff-money"),
    path("money/payments", staff.payments, name="staff-payments"),
    path("money/payments/<uuid:payment_id>", staff.payment, name="staff-payment"),
    path("money/events", staff.events, name="staff-events"),
    path("money/events/<uuid:event_id>/replay", staff.replay, name="staff-replay"),
    path("money/disputes", staff.disputes, name="staff-disputes"),
    path("money/tax-ids", staff.tax_ids, name="staff-tax-ids"),
    path("money/tax-ids/<uuid:profile_id>/confirm", staff.confirm_tax_id, name="staff-confirm-tax-id"),
    path("money/days", staff.reconciliations, name="staff-reconciliations"),
    path("money/days/<uuid:reconciliation_id>", staff.reconciliation, name="staff-reconciliation"),
    path("sell/revenue", sellers.revenue_page, name="revenue"),
    path("sell/revenue.csv", sellers.revenue_csv, name="revenue-csv"),
    path("sell/payouts", sellers.payouts, name="payouts"),
    path("sell/payouts/begin", sellers.payouts_begin, name="payouts-begin"),
    path("sell/payouts/again", sellers.payouts_again, name="payouts-again"),
    path("sell/payouts/back", sellers.payouts_back, name="payouts-back"),
    path("sell/payouts/holds/<uuid:hold_id>", sellers.payout_hold, name="payout-hold"),
    path("money/sellers", seller_staff.sellers, name="staff-sellers"),
    path("money/sellers/<slug:slug>", seller_staff.seller, name="staff-seller"),
    path("money/sellers/<slug:slug>/commission", seller_staff.commission, name="staff-commission"),
    path("money/sellers/<slug:slug>/hold", seller_staff.place_hold, name="staff-place-hold"),
    path("money/sellers/<slug:slug>/open-another", seller_staff.open_another, name="staff-open-another"),
    path("money/holds/<uuid:hold_id>", seller_staff.hold, name="staff-hold"),
    path("webhooks/stripe", webhook.stripe_webhook, name="stripe-webhook"),
]
