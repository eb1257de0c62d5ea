"""A seller at the Stripe stand-in, sales of theirs, and time that passes."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Sum
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from billing import payments, refunds
from billing.books import ledger
from billing.books.ledger import Book
from billing.models import Payable, Payment, Refund, SellerAccount, Transfer
from billing.models.payable import OWED
from billing.selling import onboarding, payables
from billing.settling import settle
from catalog.licensing import Cause
from catalog.models import Licence
from marketplace.accounts.models import Account
from tests.factories import an_account
from tests.stripe_world import AVAILABLE_AT_ONCE, StripeWorld
from tests.workers import work_off


def a_seller(world: StripeWorld, slug: str = "maker", *, complete: bool = True) -> Account:
    """An account that went through onboarding, or left its pages halfway."""
    account = Account.objects.filter(slug=slug).first() or an_account(slug)
    seller = payables.seller_account(account)
    world.onboard(onboarding.link(seller, f"{slug}@example.org"), complete=complete)
    onboarding.look(SellerAccount.objects.select_related("account").get(id=seller.id))
    return account


def a_sale(
    world: StripeWorld,
    seller: Account | None,
    amount: int = 10_000,
    *,
    card: str = AVAILABLE_AT_ONCE,
    cause: str = Licence.Cause.ORDER,
    description: str = "Numbers, commercial use",
) -> Payment:
    """A payment of which the seller has a share, or nobody, paid on the hosted page."""
    buyer = Account.objects.filter(slug="buyer").first() or an_account("buyer")
    payment = payments.begin(
        buyer,
        seller=seller,
        amount=amount,
        currency="EUR",
        description=description,
        capture=Payment.Capture.AT_ONCE,
        cause=Cause(cause, uuid7()),
    )
    page = payments.page(payment, success_url="http://localhost/paid", cancel_url="http://localhost/left")
    world.pay(page, card)
    return settle(payment.id)


def refund(payment: Payment, amount: int) -> None:
    """Give a part of a payment back, and let all that follows happen."""
    refunds.ask(payment, amount, reason=Refund.Reason.STAFF)
    work_off()


def charge_of(payment: Payment) -> str:
    return payment.intents.get(state="succeeded", surplus=False).charge_id


def dispute(world: StripeWorld, payment: Payment, amount: int | None = None) -> str:
    """Have a payment disputed, and hear of it."""
    opened = world.dispute(charge_of(payment), amount=amount)
    settle(payment.id)
    work_off()
    return opened


def decide(world: StripeWorld, opened: str, payment: Payment, *, won: bool) -> None:
    """Have the bank decide a dispute, and hear of it."""
    world.close_dispute(opened, won=won)
    settle(payment.id)
    work_off()


def pass_the_window() -> None:
    """Let the refund windows of all that was sold be over."""
    Payable.objects.update(releasable_at=Now() - timedelta(seconds=1))


def pay_out() -> None:
    """Sweep, and do the work that it finds, until nothing is left to send or to take back."""
    for _ in range(3):
        payables.release_due()
        work_off()


def an_hour_passes() -> None:
    """What was tried is old enough to be tried again."""
    Payable.objects.update(tried_at=Now() - timedelta(hours=2))


def sent_at_stripe(world: StripeWorld, seller: Account) -> int:
    """What Stripe says was sent to the seller, less what was taken back."""
    destination = SellerAccount.objects.get(account=seller).stripe_id
    found = list(world.client.v1.transfers.list({"destination": destination}).auto_paging_iter())
    return sum(transfer.amount - transfer.amount_reversed for transfer in found)


def payable_of(payment: Payment) -> Payable:
    return Payable.objects.get(payment=payment)


def agree_with_the_books(seller: Account) -> None:
    """What the payables say is what the ledger says, and no more was sent of any than is owed."""
    payables_of = Payable.objects.filter(seller=seller)
    owed = payables_of.aggregate(total=Sum(OWED, default=0))["total"]
    carried = payables_of.aggregate(total=Sum("carried", default=0))["total"]
    assert -ledger.balance(Book.SELLER, seller) == owed
    assert ledger.balance(Book.SELLER_RECEIVABLE, seller) == carried >= 0
    assert sum(ledger.trial_balance().values()) == 0
    for payable in payables_of:
        done = payable.transfers.filter(state=Transfer.State.DONE)
        sums = done.aggregate(sent=Sum("amount", default=0), back=Sum("reversed", default=0))
        assert (payable.transferred, payable.reversed) == (sums["sent"], sums["back"])
        assert payable.sent <= payable.amount
