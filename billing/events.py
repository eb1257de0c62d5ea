"""Events of Stripe: verified, stored once, and looked into as work. An event says "look again" and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from billing import kinds
from billing.models import Event, Intent, Payment
from billing.processor import events as at_stripe
from billing.processor import payments as payments_at_stripe
from billing.selling import onboarding, transfers
from billing.settling import settle
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

#: Looks at what an event is about; ``False`` when it is nothing of ours.
Look = Callable[[Event], bool]


def receive(body: bytes, signature: str) -> Event:
    """Store an event that Stripe signed, once, and have it looked into. Raises processor.events.NotSigned."""
    told = at_stripe.verified(body, signature, settings.STRIPE_WEBHOOK_SECRETS)
    with transaction.atomic():
        new = Event(stripe_id=told.id, type=told.type, object_id=told.object_id, body=told.body)
        Event.objects.bulk_create([new], ignore_conflicts=True)
        event = Event.objects.get(stripe_id=told.id)
        if event.id == new.id:
            queue.enqueue(kinds.EVENT, event.id)
        return event


def process(lease: Lease) -> None:
    """Perform ``billing.event``: find what it is about, and look at that."""
    event = Event.objects.get(id=lease.subject)
    ours = False
    if event.state in {Event.State.RECEIVED, Event.State.DEAD}:
        look = _look_for(event.type)
        ours = look is not None and bool(event.object_id) and look(event)
    with lease.finishing():
        state = Event.State.PROCESSED if ours else Event.State.IGNORED
        Event.objects.filter(id=event.id, state__in=[Event.State.RECEIVED, Event.State.DEAD]).update(
            state=state, ended_at=Now(), fault_message=""
        )


def died(event_id: UUID, fault: WorkFault) -> None:
    """Make an event that cannot be processed a dead letter, which staff see and can have looked into again."""
    Event.objects.filter(id=event_id, state=Event.State.RECEIVED).update(
        state=Event.State.DEAD, ended_at=Now(), fault_message=fault.message
    )


def replay(event: Event) -> None:
    """Have an event looked into again."""
    with transaction.atomic():
        Event.objects.filter(id=event.id).update(state=Event.State.RECEIVED, ended_at=None)
        queue.enqueue(kinds.EVENT, event.id)


def _payment(kind: str) -> Look:
    def look(event: Event) -> bool:
        known = _known(kind, event.object_id)
        payment = known or _named(kind, event.object_id)
        if payment is None:
            return False
        # Of the many events of one payment the first that is looked into tells what all of them do, but of an object
        # that nobody had heard of.
        if known is None or payment.looked_at <= event.received_at:
            settle(payment.id)
        return True

    return look


def _by_id(look_at: Callable[[str], bool]) -> Look:
    return lambda event: look_at(event.object_id)


def _known(kind: str, object_id: str) -> Payment | None:
    """The payment that we know an object of Stripe's to be of."""
    return Payment.objects.filter(**{_COLUMNS[kind]: object_id}).first()


def _named(kind: str, object_id: str) -> Payment | None:
    """The payment that an object of Stripe's names, which we have not heard of."""
    named = payments_at_stripe.payment_of(kind, object_id)
    payment = Payment.objects.filter(id=named).first() if named else None
    if payment is not None and kind == "payment_intent":
        # A page's PaymentIntent may be heard of before the page says which it is.
        Intent.objects.get_or_create(stripe_id=object_id, defaults={"payment": payment})
    return payment


#: Where we keep the id of an object of Stripe's.
_COLUMNS: Final[Mapping[str, str]] = {
    "checkout.session": "sessions__stripe_id",
    "payment_intent": "intents__stripe_id",
    "charge": "intents__charge_id",
    "refund": "refunds__stripe_id",
    "dispute": "disputes__stripe_id",
}
#: By the beginning of an event's type. The longest that fits is taken.
HANDLERS: Final[Mapping[str, Look]] = {
    "checkout.session.": _payment("checkout.session"),
    "payment_intent.": _payment("payment_intent"),
    "charge.": _payment("charge"),
    "charge.refund.": _payment("refund"),
    "charge.dispute.": _payment("dispute"),
    "refund.": _payment("refund"),
    "account.": _by_id(onboarding.look_at),
    "capability.": _by_id(onboarding.look_at),
    "transfer.": _by_id(transfers.look),
}


def _look_for(event_type: str) -> Look | None:
    fitting = [beginning for beginning in HANDLERS if event_type.startswith(beginning)]
    return HANDLERS[max(fitting, key=len)] if fitting else None
