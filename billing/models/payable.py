"""What a seller is owed for one payment."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing.models.dispute import Dispute
from billing.models.payment import Payment
from billing.models.payout_hold import PayoutHold
from billing.models.refund import Refund
from billing.models.seller import SellerAccount
from marketplace.accounts.models import Account

#: In a query: what the seller has had of a payable, and what is still to be sent, as the properties of a row say.
RECEIVED: Final = F("transferred") - F("reversed") - F("carried")
OWED: Final = F("amount") - F("refunded") - RECEIVED


class PayableQuerySet(models.QuerySet["Payable"]):
    def free(self) -> PayableQuerySet:
        """Payables that nothing keeps from being sent.

        No dispute is open, no refund is on its way that is not in the ledger yet, no payout hold in force, and the
        account can receive.
        """
        refunds = Refund.objects.of_what_paid().unbooked().filter(payment=OuterRef("payment"))
        disputes = Dispute.objects.open().filter(payment=OuterRef("payment"))
        holds = PayoutHold.objects.in_force().filter(account=OuterRef("seller"))
        active = SellerAccount.objects.filter(account=OuterRef("seller"), state=SellerAccount.State.ACTIVE)
        return self.filter(~Exists(disputes), ~Exists(refunds), ~Exists(holds), Exists(active))

    def in_excess(self) -> PayableQuerySet:
        """Payables of which more lies with the seller than may."""
        return self.filter(disputed__gt=OWED)


class Payable(models.Model):
    """What a seller is owed for one payment: ``amount`` less ``refunded``, sent once the refund window is over.

    ``disputed`` is the part that open disputes keep back. ``transferred`` less ``reversed`` is what Stripe moved.
    ``carried`` is what moved without Stripe: above zero, what could not be taken back and became the seller's debt;
    below zero, what was kept here to pay such a debt of theirs. All of a seller's sum to what they owe.
    """

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        RELEASABLE = "releasable", "to be sent"
        TRANSFERRED = "transferred", "sent"
        CLOSED = "closed", "nothing to send"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="payable")
    seller = models.ForeignKey(Account, models.PROTECT, related_name="payables")
    currency = models.CharField(max_length=3)
    amount = models.PositiveBigIntegerField()
    refunded = models.PositiveBigIntegerField(default=0)
    disputed = models.PositiveBigIntegerField(default=0)
    transferred = models.PositiveBigIntegerField(default=0)
    reversed = models.PositiveBigIntegerField(default=0)
    carried = models.BigIntegerField(default=0)
    state = models.CharField(max_length=11, choices=State, default=State.PENDING)
    #: Why Stripe did not take the last transfer, and when one was last asked for.
    refusal = models.CharField(max_length=500, blank=True)
    tried_at = models.DateTimeField(null=True)
    releasable_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    objects = PayableQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["seller", "-created_at", "-id"], name="payables_newest_first"),
            models.Index(fields=["releasable_at"], condition=models.Q(state="pending"), name="payables_to_release"),
            models.Index(fields=["tried_at"], condition=models.Q(state="releasable"), name="payables_to_send"),
            models.Index(fields=["id"], condition=models.Q(disputed__gt=OWED), name="payables_in_excess"),
            models.Index(fields=["seller"], condition=~models.Q(carried=0), name="payables_carried"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=models.F("refunded") + models.F("disputed")),
                name="payable_not_below_zero",
            ),
            models.CheckConstraint(
                condition=models.Q(reversed__lte=models.F("transferred")), name="never_more_reversed_than_sent"
            ),
            models.CheckConstraint(
                condition=models.Q(transferred__lte=models.F("amount") + models.F("reversed")),
                name="never_more_sent_than_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} owed to {self.seller}"

    @property
    def sent(self) -> int:
        """What Stripe moved to the seller and did not move back, in minor units."""
        return self.transferred - self.reversed

    @property
    def kept(self) -> int:
        """What was kept of it to pay a debt of the seller's, in minor units."""
        return max(0, -self.carried)

    @property
    def received(self) -> int:
        """What the seller has had of it, in minor units: what was sent, and what paid a debt of theirs."""
        return self.sent - self.carried

    @property
    def owed(self) -> int:
        """What is still to be sent, in minor units; below zero when more was sent than is owed now."""
        return self.amount - self.refunded - self.received

    @property
    def sendable(self) -> int:
        """What of ``owed`` no dispute keeps back; below zero when that much has to be taken back."""
        return self.owed - self.disputed
