"""A buyer's agreement about one run: what was asked, what was quoted, what came of it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models import Terms
from generation.runs.models import GeneratorVersion, Probe, Run, Source
from marketplace.accounts.models import Account


class OrderQuerySet(models.QuerySet["Order"]):
    def of(self, account: Account) -> OrderQuerySet:
        """The account's orders with what a list shows of them."""
        return self.filter(account=account).select_related("generator__generator__account", "run__dataset__account")

    def locked(self, order_id: UUID) -> Order:
        """The order under its row lock. Whoever locks its run too has locked that before."""
        self.select_for_update().get(id=order_id)
        # What is joined is read once the lock is there: with it, it would be as it was before we waited.
        return self.select_related("account", "generator__generator__account", "run", "source").get(id=order_id)

    def keeping(self, source: UUID | models.OuterRef) -> OrderQuerySet:
        """Orders that still need the upload: agreed to, and not ended. A draft or a quote keeps nothing."""
        return self.filter(source=source, state__in=Order.AGREED)


class Order(models.Model):
    """draft → quoted → authorised → in_production → settling → delivered; DESIGN.md has the whole graph.

    ``problems`` says why a draft could not be quoted; ``quote`` holds the unit, seconds and the layout's tables;
    ``terms`` are those that were agreed to when the order was placed.
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

    AGREED: ClassVar = (State.AUTHORISED, State.IN_PRODUCTION, State.SETTLING, State.PAYMENT_DUE)
    ENDED: ClassVar = (
        State.EXPIRED,
        State.DELIVERED,
        State.CANCELLED,
        State.DECLINED,
        State.FAILED,
        State.LAPSED,
    )

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
    price = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="EUR")
    fault_owner = models.CharField(max_length=8, blank=True)
    fault_message = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    quoted_at = models.DateTimeField(null=True)
    quoted_until = models.DateTimeField(null=True)
    placed_at = models.DateTimeField(null=True)
    settling_at = models.DateTimeField(null=True)
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
