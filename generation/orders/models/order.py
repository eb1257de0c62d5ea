"""A buyer's agreement about one run: what was asked, what was quoted, what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing import kinds
from billing.models import CheckoutSession, Payment
from catalog.models import Terms
from generation.orders.models.tariff import Tariff
from generation.runs.models import GeneratorVersion, Probe, Run, Source
from marketplace.accounts.models import Account
from marketplace.work.models import coming

#: An order that takes longer is not held for: a hold that is made without the person ends after 4 days 18 hours.
LONGEST_HELD: Final = timedelta(days=3)
_CARD_SAVED = models.Q(mode=CheckoutSession.Mode.SETUP, state=CheckoutSession.State.COMPLETE)


class OrderQuerySet(models.QuerySet["Order"]):
    def of(self, account: Account) -> OrderQuerySet:
        """The account's orders with what a list shows of them."""
        return self.filter(account=account).select_related(
            "generator__generator__account", "run__dataset__account", "payment"
        )

    def locked(self, order_id: UUID) -> Order:
        """The order under its row lock. Whoever locks its run or its payment too has locked those before."""
        self.select_for_update(no_key=True).get(id=order_id)
        # What is joined is read once the lock is there: with it, it would be as it was before we waited.
        return self.select_related(*Order.TOLD).get(id=order_id)

    def keeping(self, source: UUID | models.OuterRef) -> OrderQuerySet:
        """Orders that still need the upload: agreed to or being paid for, and not ended. A draft keeps nothing."""
        paying = models.Q(state=Order.State.QUOTED, payment__isnull=False)
        return self.filter(models.Q(state__in=Order.AGREED) | paying, source=source)

    def lapsed(self) -> OrderQuerySet:
        """Quotes whose time is over and that nobody paid in time. What was paid in time is made, however late."""
        return self.filter(~_secured(), state=Order.State.QUOTED, quoted_until__lt=Now())

    def standing_still(self) -> OrderQuerySet:
        """Orders whose payment moved, and that should have moved with it unless somebody is about to see to it."""
        state, of = Order.State, Payment.State
        unsold = models.Q(state__in=Order.ENDED_UNSOLD)
        return self.filter(
            models.Q(_secured(), state=state.QUOTED)
            | models.Q(state=state.SETTLING)
            | models.Q(~models.Q(payment__state=of.OPEN), state=state.PAYMENT_DUE)
            | models.Q(unsold, ~coming(kinds.VOID, subject="payment"), payment__state__in=[of.OPEN, of.HELD])
            | models.Q(unsold, payment__state=of.PAID, payment__refunds=None)
        )


def _secured() -> models.Q:
    """What ``Order.secured`` says of one, said of all."""
    saved = CheckoutSession.objects.filter(_CARD_SAVED, payment=models.OuterRef("payment"))
    held = models.Q(payment__state__in=[Payment.State.HELD, Payment.State.PAID], payment__isnull=False)
    return held | models.Q(models.Exists(saved), payment__state=Payment.State.OPEN)


class Order(models.Model):
    """draft → quoted → authorised → in_production → settling → delivered; DESIGN.md has the whole graph.

    ``problems`` says why a draft could not be quoted; ``quote`` holds the unit, seconds, the layout's tables and the
    lines that add up to ``price``, which is what ``payment`` is for; ``tariff`` is what they were made from. ``terms``
    are those that were agreed to when the order was placed. ``thresholds`` are what it depends on, ``unmet`` those that
    were not kept. ``computed`` CPU seconds were used; ``compute_paid_by`` says whose they are when nothing was sold.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        QUOTED = "quoted", "quoted"
        EXPIRED = "expired", "expired"
        AUTHORISED = "authorised", "held"
        IN_PRODUCTION = "in_production", "being made"
        SETTLING = "settling", "being settled"
        PAYMENT_DUE = "payment_due", "payment due"
        DELIVERED = "delivered", "delivered"
        CANCELLED = "cancelled", "cancelled"
        DECLINED = "declined", "declined"
        FAILED = "failed", "failed"
        LAPSED = "lapsed", "lapsed"

    class Payer(models.TextChoices):
        BUYER = "buyer", "the buyer"
        SELLER = "seller", "the generator’s owner"
        PLATFORM = "platform", "the marketplace"

    AGREED: ClassVar = (State.AUTHORISED, State.IN_PRODUCTION, State.SETTLING, State.PAYMENT_DUE)
    ENDED: ClassVar = (
        State.EXPIRED,
        State.DELIVERED,
        State.CANCELLED,
        State.DECLINED,
        State.FAILED,
        State.LAPSED,
    )

    #: Ended, and nothing was sold.
    ENDED_UNSOLD: ClassVar = (State.EXPIRED, State.CANCELLED, State.DECLINED, State.FAILED, State.LAPSED)
    #: What is joined to an order that is locked, ended and told of.
    TOLD: ClassVar = ("account", "generator__generator__account", "run", "source", "payment")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="orders")
    generator = models.ForeignKey(GeneratorVersion, models.PROTECT, related_name="orders")
    parameters = models.JSONField()
    units = models.PositiveBigIntegerField()
    splits = models.JSONField()
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="orders")
    probe = models.ForeignKey(Probe, models.PROTECT, null=True, related_name="orders")
    run = models.OneToOneField(Run, models.PROTECT, null=True, related_name="order")
    again = models.ForeignKey("self", models.PROTECT, null=True, related_name="retries")
    state = models.CharField(max_length=13, choices=State, default=State.DRAFT)
    problems = models.JSONField(default=list)
    quote = models.JSONField(default=dict)
    terms = models.ForeignKey(Terms, models.PROTECT, null=True, related_name="orders")
    tariff = models.ForeignKey(Tariff, models.PROTECT, null=True, related_name="orders")
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, related_name="order")
    thresholds = models.JSONField(default=list)
    unmet = models.JSONField(default=list)
    price = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="EUR")
    fault_owner = models.CharField(max_length=8, blank=True)
    fault_message = models.TextField(blank=True)
    compute_paid_by = models.CharField(max_length=8, choices=Payer, blank=True)
    computed = models.FloatField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    quoted_at = models.DateTimeField(null=True)
    quoted_until = models.DateTimeField(null=True)
    placed_at = models.DateTimeField(null=True)
    settling_at = models.DateTimeField(null=True)
    pay_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-created_at", "-id"], name="orders_newest_first")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "quoted", "expired", "cancelled"]) | models.Q(run__isnull=False),
                name="placed_order_has_run",
            ),
            models.CheckConstraint(
                condition=models.Q(run__isnull=True) | models.Q(terms__isnull=False), name="placed_order_has_terms"
            ),
            models.CheckConstraint(
                condition=models.Q(run__isnull=True) | models.Q(price=0) | models.Q(payment__isnull=False),
                name="nothing_is_made_unpaid_for",
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.short} of {self.account}"

    @property
    def short(self) -> str:
        """The end of the id, for people to say aloud."""
        return str(self.id)[-6:].upper()

    @property
    def ended(self) -> bool:
        """Is there nothing left to do?"""
        return self.state in self.ENDED

    @property
    def given_back(self) -> bool:
        """Did it lapse although it was paid, because the money went back?"""
        paid = self.payment is not None and self.payment.state == Payment.State.PAID
        return paid and self.state == self.State.LAPSED

    @property
    def charged_later(self) -> bool:
        """Does it take longer than a hold lasts for certain? Then the card is saved, and charged at delivery."""
        return bool(self.quote.get("seconds", 0) > LONGEST_HELD.total_seconds())

    @property
    def secured(self) -> bool:
        """Is there enough of a payment to begin: money that is held, or a card that is saved?"""
        if self.payment is None:
            return False
        if self.payment.state in {Payment.State.HELD, Payment.State.PAID}:
            return True
        return self.payment.state == Payment.State.OPEN and self.payment.sessions.filter(_CARD_SAVED).exists()
