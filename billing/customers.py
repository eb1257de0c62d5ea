"""Accounts as Stripe's customers."""

from __future__ import annotations

from billing.invoicing import invoices
from billing.models import Customer
from billing.processor import payments as at_stripe
from marketplace.accounts import notices
from marketplace.accounts.models import Account


def customer_of(account: Account) -> Customer:
    """The account as a customer that Stripe knows; made known now if need be, with who owes the tax by now.

    Not called in a transaction.

    Raises processor.Refused or processor.Unavailable.
    """
    customer, _ = Customer.objects.get_or_create(account=account)
    if not customer.stripe_id:
        emails = notices.addresses([account.id])[account.id]
        customer.stripe_id = at_stripe.create_customer(
            account=account.id, name=account.name, email=emails[0] if emails else "", key=f"customer-{customer.id}"
        )
        customer.save(update_fields=["stripe_id"])
    owes = invoices.owes_the_tax(account)
    if customer.reverse_charge != owes:
        at_stripe.tell_who_owes_tax(customer.stripe_id, buyer=owes)
        customer.reverse_charge = owes
        customer.save(update_fields=["reverse_charge"])
    return customer


def remember_card(account: Account, method: str) -> None:
    """Keep the card that an account saved last, to be charged when the person is not there."""
    if method:
        Customer.objects.update_or_create(account=account, defaults={"payment_method": method})
