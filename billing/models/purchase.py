"""A buyer takes an offer that has a price."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.models.payment import Payment
from catalog.models import Offer, Version
from marketplace.accounts.models import Account, User


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    def of(self, account: Account) -> PurchaseQuerySet:
        """The account's purchases with what a list shows of them."""
        return self.filter(account=account).select_related("payment", "offer__terms", "version__dataset__account")


class Purchase(models.Model):
    """One licence bought: the offer at its price, for the version that was newest then. Its payment has the money.

    draft → awaiting_payment → paid → fulfilled → refunding → refunded | partially_refunded; ``billing.states`` has the
    whole graph. ``key`` is the buyer's own: the same key asks for the same purchase.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "begun"
        AWAITING_PAYMENT = "awaiting_payment", "waits for payment"
        PAID = "paid", "paid"
        FULFILLED = "fulfilled", "licence granted"
        REFUNDING = "refunding", "being refunded"
        REFUNDED = "refunded", "refunded"
        PARTIALLY_REFUNDED = "partially_refunded", "refunded in part"
        DISPUTED = "disputed", "disputed"
        CHARGED_BACK = "charged_back", "charged back"
        EXPIRED = "expired", "expired"
        CANCELLED = "cancelled", "cancelled"

    #: Not paid and not given up.
    UNPAID: ClassVar = (State.DRAFT, State.AWAITING_PAYMENT)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="purchases")
    bought_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="purchases")
    key = models.UUIDField()
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="purchases")
    version = models.ForeignKey(Version, models.PROTECT, related_name="purchases")
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="purchase")
    state = models.CharField(max_length=18, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(db_default=Now())
    given_up_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "-created_at", "-id"], name="purchases_newest_first")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="one_purchase_a_key"),
            models.UniqueConstraint(
                fields=["account", "offer"],
                condition=models.Q(state__in=["draft", "awaiting_payment"]),
                name="one_unpaid_purchase_an_offer",
            ),
        ]

    def __str__(self) -> str:
        return f"purchase {self.short} of {self.account}"

    @property
    def short(self) -> str:
        """The end of the id, for people to say aloud."""
        return str(self.id)[-6:].upper()
