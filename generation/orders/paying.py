"""The hosted page of an order: where its price is held, its card saved, or what is made and due paid."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from billing import payments
from billing.models import CheckoutSession
from billing.settling import settle
from generation.orders.models import Order
from generation.orders.states import OrderMoved


def page(order: Order) -> str:
    """The address of Stripe's page for an order that is placed and not paid; the same while it is open.

    Raises OrderMoved or payments.PaymentMoved when there is nothing to pay, processor.Refused or processor.Unavailable.
    """
    if order.payment is None or order.state not in {Order.State.QUOTED, Order.State.PAYMENT_DUE}:
        raise OrderMoved(f"This order is {order.get_state_display()}, so there is nothing to pay.")
    here = f"{settings.PUBLIC_URL}{reverse('orders:order', args=[order.id])}"
    due = order.state == Order.State.PAYMENT_DUE
    saves = order.charged_later and not due
    return payments.page(
        order.payment,
        success_url=f"{settings.PUBLIC_URL}{reverse('orders:paid', args=[order.id])}",
        cancel_url=here,
        mode=CheckoutSession.Mode.SETUP if saves else CheckoutSession.Mode.PAYMENT,
        save_card=not due,
        at_once=due,
    )


def came_back(order: Order) -> None:
    """Look at Stripe's objects, because the person says that it is done: no event may have come yet.

    Raises processor.Refused or processor.Unavailable.
    """
    if order.payment is not None:
        settle(order.payment.id)
