"""The tax of what is charged while nobody is there: Stripe works it out from where the card's owner is.

On a hosted page Stripe does that itself. Without a page it is asked first, and the charge names its answer, so that
what Stripe reports to the tax offices is what we book.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from billing.invoicing import invoices
from billing.models import BillingProfile, Customer, Intent, Payment
from billing.processor import taxes
from billing.processor.taxes import Address

_UNKNOWN: Final = (
    "We do not know in which country you are, which decides what tax is in the price. Pay on the page, where you say "
    "it; with an address in your billing profile we know it next time."
)


class NoAddress(Exception):
    """Nobody knows where the buyer is, so nothing is charged; the message says what the buyer can do."""


def work_out(attempt: Intent, payment: Payment, customer: Customer) -> Intent:
    """See that ``attempt`` has the tax that it will be charged with, and return it as it is then.

    It is worked out once an attempt: a charge that is repeated names the same calculation. Raises NoAddress,
    processor.Refused or processor.Unavailable.
    """
    if not settings.STRIPE_AUTOMATIC_TAX or attempt.calculation:
        return attempt
    found = taxes.calculate(
        amount=payment.amount,
        currency=payment.currency,
        address=_address(payment, customer),
        buyer_owes=invoices.owes_the_tax(payment.account),
        reference=str(payment.id),
    )
    Intent.objects.filter(id=attempt.id, calculation="").update(
        calculation=found.id, tax=min(found.tax, payment.amount), tax_percent=found.percent
    )
    return Intent.objects.get(id=attempt.id)


def _address(payment: Payment, customer: Customer) -> Address:
    """Where the buyer is: as told with the card, which is what a page goes by too, else in the billing profile."""
    with_card = taxes.address_of_card(customer.payment_method)
    if with_card is not None:
        return with_card
    profile = BillingProfile.objects.filter(account=payment.account).first()
    if profile is None:
        raise NoAddress(_UNKNOWN)
    stated = {
        "line1": profile.address,
        "line2": profile.address_more,
        "city": profile.city,
        "postal_code": profile.postal_code,
        "country": profile.country,
    }
    return {name: value for name, value in stated.items() if value}
