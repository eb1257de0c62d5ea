"""What an account pays for one thing, Stripe's objects that carry it, and what became of the money."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.licensing import Cause
from catalog.models import Licence
from marketplace.accounts.models import Account


class PaymentQuerySet(models.QuerySet["Payment"]):
    def locked(self, payment_id: UUID) -> Payment:
        """The payment under its row lock. Whoever locks a purchase or an order too locks the payment first."""
        self.select_for_update(no_key=True).get(id=payment_id)
        # What is joined is read once the lock is there: with it, it would be as it was before we waited.
        return self.select_related("account", "seller").get(id=payment_id)

    def waiting(self) -> PaymentQuerySet:
        """Payments that wait for something at Stripe and were not looked at for a while, the longest first.

        A bank takes weeks to decide, so a dispute alone makes no payment one to be looked at soon.
        """
        unfinished = (
            models.Q(Exists(CheckoutSession.objects.filter(payment=OuterRef("id"), state=CheckoutSession.State.OPEN)))
            | models.Q(Exists(Intent.objects.filter(payment=OuterRef("id")).exclude(state__in=Intent.FINAL)))
            | models.Q(refunds__state="submitted")
            | models.Q(Exists(Intent.objects.without_fee().filter(payment=OuterRef("id"))))
            | models.Q(purchase__state="draft")
        )
        disputed = models.Q(disputes__state="open") | models.Q(disputes__held__gt=0) | models.Q(disputes__held__lt=0)
        young = models.Q(created_at__gt=Now() - timedelta(hours=3), looked_at__lt=Now() - timedelta(minutes=2))
        long_ago = models.Q(looked_at__lt=Now() - timedelta(hours=1))
        return self.filter(young & unfinished | long_ago & (unfinished | disputed)).distinct().order_by("looked_at")


class Payment(models.Model):
    """An amount that ``account`` pays for one thing, at once or at delivery.

    ``amount`` is what the buyer pays, tax within it, in minor units. ``seller`` gets what is left after tax and
    commission (``None``: all of it is the platform's). ``commission`` is in basis points, as agreed when it began. The
    cause (a kind of ``Licence.Cause`` and a UUID) is that of the licences that it pays for. ``captured``, ``tax`` and
    ``fee`` are what Stripe took in, of which tax, and kept; ``tax_percent`` is the rate that Stripe gave, ``None``
    where it gave none for the whole. ``refunded`` went to the buyer, ``charged_back`` to the bank. ``Intent`` mirrors
    Stripe's objects.
    """

    class State(models.TextChoices):
        OPEN = "open", "not paid"
        HELD = "held", "held"
        PAID = "paid", "paid"
        CANCELLED = "cancelled", "cancelled"

    class Capture(models.TextChoices):
        AT_ONCE = "at_once", "at once"
        AT_DELIVERY = "at_delivery", "at delivery"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="payments")
    seller = models.ForeignKey(Account, models.PROTECT, null=True, related_name="payments_received")
    description = models.CharField(max_length=200)
    cause_kind = models.CharField(max_length=8, choices=Licence.Cause)
    cause_id = models.UUIDField()
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    commission = models.PositiveIntegerField()
    capture = models.CharField(max_length=11, choices=Capture)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    captured = models.PositiveBigIntegerField(default=0)
    tax = models.PositiveBigIntegerField(default=0)
    tax_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    #: ``None`` until Stripe knows it.
    fee = models.PositiveBigIntegerField(null=True)
    refunded = models.PositiveBigIntegerField(default=0)
    charged_back = models.PositiveBigIntegerField(default=0)
    #: Why the last attempt came to nothing, for the buyer: "Your card was declined."
    refusal = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    paid_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(db_default=Now())

    objects = PaymentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["state", "created_at"], name="payment_by_state"),
            models.Index(fields=["account", "-created_at", "-id"], name="payments_newest_first"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payment_is_of_something"),
            models.CheckConstraint(
                condition=models.Q(captured__gte=models.F("refunded") + models.F("charged_back")),
                name="never_more_back_than_came",
            ),
            models.CheckConstraint(condition=models.Q(tax__lte=models.F("captured")), name="tax_is_a_part"),
            models.CheckConstraint(condition=models.Q(commission__lte=10_000), name="commission_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"payment {self.id} of {self.account}"

    @property
    def kept(self) -> int:
        """What came and did not go back, in minor units."""
        return self.captured - self.refunded - self.charged_back

    @property
    def cause(self) -> Cause:
        """What the licences that it pays for were granted for."""
        return Cause(self.cause_kind, self.cause_id)


class CheckoutSession(models.Model):
    """A page of Stripe where a payment is made, or a card is saved for it. One at a time is open.

    It has the tax of what was paid there, by the PaymentIntent with the id ``stripe_intent`` once Stripe names it.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        COMPLETE = "complete", "complete"
        EXPIRED = "expired", "expired"

    class Mode(models.TextChoices):
        PAYMENT = "payment", "pays"
        SETUP = "setup", "saves a card"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="sessions")
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    mode = models.CharField(max_length=7, choices=Mode)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    stripe_intent = models.CharField(max_length=255, blank=True)
    url = models.URLField(max_length=2000, blank=True)
    tax = models.PositiveBigIntegerField(default=0)
    tax_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payment"], condition=models.Q(state="open"), name="one_open_page")
        ]

    def __str__(self) -> str:
        return f"page for {self.payment_id}"


class IntentQuerySet(models.QuerySet["Intent"]):
    def without_fee(self) -> IntentQuerySet:
        """What took money of which Stripe has not said yet what it keeps."""
        return self.filter(state=Intent.State.SUCCEEDED, fee=None)


class Intent(models.Model):
    """The mirror of one PaymentIntent: its state goes forward only, by rank.

    The first that is captured pays the payment; what a further one takes has no cause and goes back (``surplus``). One
    that charged a saved card names the ``calculation`` of its tax; on a page, the page has the tax.
    """

    class State(models.TextChoices):
        CREATED = "created", "created"
        REQUIRES_ACTION = "requires_action", "waits for the person"
        PROCESSING = "processing", "on its way"
        REQUIRES_CAPTURE = "requires_capture", "held"
        SUCCEEDED = "succeeded", "paid"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    FINAL: ClassVar = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="intents")
    #: ``None`` between the row and Stripe's answer to our call; the row's id is the call's idempotency key.
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    charge_id = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.CREATED)
    received = models.PositiveBigIntegerField(default=0)
    capture_before = models.DateTimeField(null=True)
    surplus = models.BooleanField(default=False)
    #: What Stripe keeps of the charge; ``None`` until it says so, and then it is in the ledger.
    fee = models.PositiveBigIntegerField(null=True)
    calculation = models.CharField(max_length=255, blank=True)
    tax = models.PositiveBigIntegerField(default=0)
    tax_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = IntentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["payment"], condition=models.Q(state="succeeded", fee=None), name="intents_without_fee"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id or f"intent {self.id}"
