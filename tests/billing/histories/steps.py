"""What may happen next: each step is a small value that does one thing to a history.

Numbers that name a purchase, an order or a share are taken modulo what there is, so that every step fits everywhere.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import stripe
from hypothesis import strategies as st

from billing import payments, purchases, refunds
from billing.models import Payment, PayoutHold, Refund, SellerAccount
from billing.payments import PaymentMoved
from billing.processor import Refused, Unavailable
from billing.purchases import HeldAlready, NotReturnable
from billing.refunds import TooMuch
from billing.selling import onboarding, payables, payout_holds
from billing.settling import settle
from catalog.licensing import Cause, NotOffered
from catalog.models import Licence
from tests.billing.histories.world import PRICES, History, Order, new_key, purchase
from tests.stripe_world import (
    ASKS_ALWAYS,
    AVAILABLE_AT_ONCE,
    DECLINED,
    MASTERCARD,
    REFUND_FAILS,
    REFUND_PENDING,
    VISA,
)

#: How a verb may say no. None of them may leave anything half done.
NO = (Refused, Unavailable, PaymentMoved, HeldAlready, NotReturnable, NotOffered, TooMuch)
CARDS = (VISA, VISA, MASTERCARD, AVAILABLE_AT_ONCE, ASKS_ALWAYS, DECLINED, REFUND_PENDING, REFUND_FAILS)
#: What the product asks of Stripe, and histories do not.
OPERATIONS = (
    "PostCustomers",
    "PostCheckoutSessions",
    "GetCheckoutSessionsSession",
    "PostCheckoutSessionsSessionExpire",
    "GetPaymentIntentsIntent",
    "PostPaymentIntents",
    "PostPaymentIntentsIntentCapture",
    "PostPaymentIntentsIntentCancel",
    "PostRefunds",
    "GetRefunds",
    "PostTransfers",
    "PostTransfersIdReversals",
)
_ALL = 1_000


class Step(Protocol):
    """Something that happens. It may raise one of ``NO``, or be killed."""

    def happen(self, history: History) -> None: ...


@dataclass(frozen=True)
class Buy:
    """Somebody begins to buy, and pays at once or leaves the page open; ``card`` is one of ``CARDS``."""

    buyer: int
    seller: int
    price: int
    commission: int
    card: int | None
    confirms: bool
    returns: bool

    def happen(self, history: History) -> None:
        user, account = history.stock.buyers[self.buyer]
        seller = history.stock.sellers[self.seller]
        SellerAccount.objects.update_or_create(account=seller, defaults={"commission": self.commission})
        offer = history.stock.offers[self.seller][self.price]
        begun = purchases.buy(account, offer, by=user, key=new_key())
        if begun.id not in history.purchases:
            history.purchases.append(begun.id)
        _visit(history, purchases.pay(begun), begun.payment_id, self.card, self.confirms, self.returns)


@dataclass(frozen=True)
class Pay:
    """Somebody goes on to the page where a purchase is paid."""

    which: int
    card: int | None
    confirms: bool
    returns: bool

    def happen(self, history: History) -> None:
        if (begun := purchase(history, self.which)) is not None:
            _visit(history, purchases.pay(begun), begun.payment_id, self.card, self.confirms, self.returns)


@dataclass(frozen=True)
class GiveUp:
    """A buyer changes their mind before paying; with ``pays_first`` another tab pays behind our back."""

    which: int
    pays_first: bool

    def happen(self, history: History) -> None:
        begun = purchase(history, self.which)
        if begun is None:
            return
        page = begun.payment.sessions.exclude(url="").last()
        if self.pays_first and page is not None:
            history.world.pay(page.url)
        purchases.give_up(begun)


@dataclass(frozen=True)
class Begin:
    """An order begins: its payment is held on the page, or a card is saved there for later."""

    buyer: int
    seller: int | None
    price: int
    commission: int
    card: int
    confirms: bool
    saves: bool

    def happen(self, history: History) -> None:
        account = history.stock.buyers[self.buyer][1]
        seller = None if self.seller is None else history.stock.sellers[self.seller]
        if seller is not None:
            SellerAccount.objects.update_or_create(account=seller, defaults={"commission": self.commission})
        payment = payments.begin(
            account,
            seller=seller,
            amount=PRICES[self.price],
            currency="EUR",
            description="Numbers made to measure",
            capture=Payment.Capture.AT_DELIVERY,
            cause=Cause(Licence.Cause.ORDER, new_key()),
        )
        history.orders.append(Order(payment.id))
        here = "https://example.org/orders/1"
        page = payments.page(payment, success_url=here, cancel_url=here, save_card=self.saves)
        _visit(history, page, payment.id, self.card, self.confirms, True)


@dataclass(frozen=True)
class PayForOrder:
    """Somebody goes on to the page of an order that was left open; when ``due`` the order is made and waits for it."""

    which: int
    card: int
    due: bool

    def happen(self, history: History) -> None:
        order = _order(history, self.which)
        if order is None:
            return
        payment = Payment.objects.get(id=order.payment)
        known = payment.sessions.exclude(url="").last()
        if self.due and payment.state == Payment.State.OPEN:
            order.delivered = True
            here = "https://example.org/orders/1"
            _visit(
                history,
                payments.page(payment, success_url=here, cancel_url=here, at_once=True),
                payment.id,
                self.card,
                confirms=True,
                returns=False,
            )
        elif known is not None:
            _visit(history, known.url, payment.id, self.card, confirms=True, returns=False)


@dataclass(frozen=True)
class Charge:
    """What an order costs is held on the saved card, or, once it is delivered, taken from it."""

    which: int

    def happen(self, history: History) -> None:
        if (order := _order(history, self.which)) is not None:
            payments.charge_saved(Payment.objects.get(id=order.payment), hold=not order.delivered)


@dataclass(frozen=True)
class Deliver:
    """An order is delivered, and only then what is held for it is taken; ``twice`` by two workers."""

    which: int
    twice: bool

    def happen(self, history: History) -> None:
        order = _order(history, self.which)
        if order is None or Payment.objects.get(id=order.payment).state != Payment.State.HELD:
            return
        order.delivered = True
        for _ in range(2 if self.twice else 1):
            payments.capture(Payment.objects.get(id=order.payment))


@dataclass(frozen=True)
class Void:
    """An order ends without a delivery."""

    which: int

    def happen(self, history: History) -> None:
        order = _order(history, self.which)
        if order is not None and not order.delivered:
            payments.void(Payment.objects.get(id=order.payment))


@dataclass(frozen=True)
class Hear:
    """Stripe's events come in: in some order, some of them twice, some never, and old ones again."""

    order: int
    lost: int
    again: int

    def happen(self, history: History) -> None:
        news = history.world.events()
        chance = random.Random(self.order)
        if self.order:
            chance.shuffle(news)
        history.lost = history.lost or bool(news[: self.lost])
        del news[: self.lost]
        old = chance.sample(history.old_news, min(self.again, len(history.old_news)))
        history.tell([*news, *news[: self.again], *old])


@dataclass(frozen=True)
class Sweep:
    """An hour passes, and the sweeps look for what was missed."""

    def happen(self, history: History) -> None:
        history.sweep()


@dataclass(frozen=True)
class Work:
    """The workers do what is due."""

    def happen(self, history: History) -> None:
        history.work()


@dataclass(frozen=True)
class GiveMoneyBack:
    """Staff give back a share of what there is, in thousandths; ``sent`` at once, or when somebody works."""

    which: int
    share: int
    sent: bool

    def happen(self, history: History) -> None:
        if (payment := _payment(history, self.which)) is not None and payment.kept:
            refunds.ask(payment, max(1, payment.kept * self.share // _ALL), reason=Refund.Reason.STAFF)
        if self.sent:
            history.work()


@dataclass(frozen=True)
class Return:
    """A buyer gives a purchase back within the time for that."""

    which: int

    def happen(self, history: History) -> None:
        if (bought := purchase(history, self.which)) is not None:
            purchases.give_back(bought, by=history.stock.buyers[0][0])


@dataclass(frozen=True)
class GiveBackAtStripe:
    """Somebody gives money back in Stripe's own dashboard, perhaps before we heard that it came."""

    which: int
    share: int

    def happen(self, history: History) -> None:
        charge = _charge(history, self.which)
        left = 0 if charge is None else charge.amount - charge.amount_refunded
        if charge is None or not left or charge.disputed:
            return
        amount = max(1, left * self.share // _ALL)
        with contextlib.suppress(stripe.APIError, stripe.APIConnectionError):
            history.world.client.v1.refunds.create({"payment_intent": str(charge.payment_intent), "amount": amount})


@dataclass(frozen=True)
class Contest:
    """A buyer has their bank call a payment back, all of it or a share."""

    which: int
    share: int

    def happen(self, history: History) -> None:
        charge = _charge(history, self.which)
        left = 0 if charge is None else charge.amount - charge.amount_refunded
        if charge is None or not left or charge.disputed:
            return
        history.world.dispute(charge.id, amount=max(1, left * self.share // _ALL))


@dataclass(frozen=True)
class Decide:
    """The bank decides what is contested, the oldest first."""

    won: bool

    def happen(self, history: History) -> None:
        contested = [one for one in history.world.client.v1.disputes.list().auto_paging_iter() if one.status in _OPEN]
        if contested:
            history.world.close_dispute(contested[-1].id, won=self.won)


@dataclass(frozen=True)
class Onboard:
    """A seller tells Stripe all that it wants to know, so that money can be sent to them."""

    seller: int

    def happen(self, history: History) -> None:
        seller = payables.seller_account(history.stock.sellers[self.seller])
        onboarding.link(seller, "seller@example.com")
        seller.refresh_from_db()
        history.world.complete_account(seller.stripe_id)
        onboarding.look(seller)


@dataclass(frozen=True)
class Restrict:
    """Stripe wants to know more of a seller and stops payouts; or the seller took everything out."""

    seller: int
    drains: bool

    def happen(self, history: History) -> None:
        seller = payables.seller_account(history.stock.sellers[self.seller])
        if not seller.stripe_id:
            return
        if self.drains:
            history.world.drain_account(seller.stripe_id)
        else:
            history.world.restrict_account(seller.stripe_id)


@dataclass(frozen=True)
class KeepBack:
    """Staff keep a seller's payouts back, or stop doing so."""

    seller: int

    def happen(self, history: History) -> None:
        account, staff = history.stock.sellers[self.seller], history.stock.staff
        hold = PayoutHold.objects.in_force().filter(account=account).first()
        if hold is not None:
            payout_holds.lift(hold, staff, "All is well.")
            return
        today = history.clock.now().date()
        payout_holds.place(account, staff, reason="Something.", evidence_wanted="Anything.", review_by=today)


@dataclass(frozen=True)
class PayOut:
    """The refund window ends, and the sweeps send what is free."""

    def happen(self, history: History) -> None:
        history.wait(timedelta(days=15))
        history.sweep()


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    hours: int

    def happen(self, history: History) -> None:
        history.wait(timedelta(hours=self.hours))


@dataclass(frozen=True)
class Break:
    """The next calls of an operation fail, before or after they did what they should."""

    operation: str
    kind: str
    times: int

    def happen(self, history: History) -> None:
        history.world.fail_next(self.times, self.kind, operation=self.operation)


@dataclass(frozen=True)
class Die:
    """The process dies soon, right after a call."""

    after: int

    def happen(self, history: History) -> None:
        history.death.after = self.after


_OPEN = {"needs_response", "under_review"}


def _visit(history: History, page: str, payment: UUID, card: int | None, confirms: bool, returns: bool) -> None:
    if card is not None:
        history.world.pay(page, CARDS[card], confirm=confirms)
    if returns:
        settle(payment)


def _order(history: History, which: int) -> Order | None:
    return history.orders[which % len(history.orders)] if history.orders else None


def _payment(history: History, which: int) -> Payment | None:
    known = history.payments()
    return known[which % len(known)] if known else None


def _charge(history: History, which: int) -> Any:
    """A charge at Stripe that took money."""
    taken = [one for one in history.world.client.v1.charges.list().auto_paging_iter() if one.captured]
    return taken[which % len(taken)] if taken else None


_WHICH = st.integers(0, 2)
_CARD = st.integers(0, len(CARDS) - 1)
_PRICE = st.integers(0, len(PRICES) - 1)
_COMMISSION = st.sampled_from([1_500, 333, 3_333, 9_999, 0, 10_000])
_SHARE = st.sampled_from([137, 333, 500, 999, _ALL, _ALL])
_BUYER, _SELLER = st.integers(0, 2), st.integers(0, 1)
#: Cards that pay at once: one of them gets no refund, and one gets it late.
_GOOD_CARD = st.sampled_from([0, 0, 2, 3, 6, 7])

BUYING = st.builds(Buy, _BUYER, _SELLER, _PRICE, _COMMISSION, st.none() | _CARD, st.booleans(), st.booleans())
PAID = st.builds(Buy, _BUYER, st.just(0), _PRICE, _COMMISSION, _GOOD_CARD, st.just(True), st.just(True))
ORDERING = st.builds(Begin, _BUYER, st.none() | _SELLER, _PRICE, _COMMISSION, _CARD, st.booleans(), st.booleans())
HELD = st.builds(Begin, _BUYER, st.none() | _SELLER, _PRICE, _COMMISSION, _GOOD_CARD, st.just(True), st.just(True))
HEARING = st.builds(Hear, st.integers(0, 5), st.sampled_from([0, 0, 0, 1, 3, 99]), st.sampled_from([0, 0, 1, 5]))
MONEY_BACK = st.builds(GiveMoneyBack, _WHICH, _SHARE, st.booleans())
MONEY_BACK_AT_STRIPE = st.builds(GiveBackAtStripe, _WHICH, _SHARE)
CONTESTING = st.builds(Contest, _WHICH, _SHARE)
DECIDING = st.builds(Decide, st.booleans())
BREAKING = st.builds(
    Break,
    st.sampled_from(OPERATIONS),
    st.sampled_from(["error", "effect_then_error", "drop", "effect_then_drop", "rate_limit"]),
    st.integers(1, 3),
)
DYING = st.builds(Die, st.integers(1, 5))
SWEEPING, WORKING = st.just(Sweep()), st.just(Work())
#: What may happen to a purchase, besides what may happen to any payment.
WITH_PURCHASES = st.one_of(
    BUYING,
    st.builds(Pay, _WHICH, st.none() | _CARD, st.booleans(), st.booleans()),
    st.builds(GiveUp, _WHICH, st.booleans()),
    HEARING,
    SWEEPING,
    MONEY_BACK,
    MONEY_BACK,
    MONEY_BACK,
    MONEY_BACK_AT_STRIPE,
    st.builds(Return, _WHICH),
    CONTESTING,
    DECIDING,
    BREAKING,
    DYING,
)
#: What may happen to an order's payment.
WITH_ORDERS = st.one_of(
    ORDERING,
    st.builds(Charge, _WHICH),
    st.builds(Charge, _WHICH),
    st.builds(PayForOrder, _WHICH, _CARD, st.booleans()),
    st.builds(Deliver, _WHICH, st.booleans()),
    st.builds(Deliver, _WHICH, st.booleans()),
    st.builds(Void, _WHICH),
    HEARING,
    SWEEPING,
    st.builds(Wait, st.sampled_from([1, 25, 6 * 24 + 1, 6 * 24 + 1, 8 * 24])),
    st.builds(Wait, st.sampled_from([6 * 24 + 1])),
    MONEY_BACK,
    BREAKING,
    DYING,
)
#: What may happen between a payment and the seller who is paid for it.
WITH_SELLERS = st.one_of(
    st.just(PayOut()),
    st.just(PayOut()),
    st.just(PayOut()),
    PAID,
    MONEY_BACK,
    MONEY_BACK,
    MONEY_BACK_AT_STRIPE,
    CONTESTING,
    CONTESTING,
    DECIDING,
    HEARING,
    HEARING,
    st.builds(Restrict, st.just(0), st.booleans()),
    st.builds(KeepBack, st.just(0)),
    BREAKING,
    DYING,
)
HISTORIES_OF_PURCHASES = st.tuples(PAID | BUYING, st.lists(WITH_PURCHASES, min_size=3, max_size=7)).map(
    lambda parts: [parts[0], *parts[1]]
)
HISTORIES_OF_ORDERS = st.tuples(HELD, st.lists(WITH_ORDERS, min_size=3, max_size=7)).map(
    lambda parts: [parts[0], *parts[1]]
)
HISTORIES_OF_SELLERS = st.tuples(PAID, st.lists(WITH_SELLERS, min_size=3, max_size=7)).map(
    lambda parts: [parts[0], Onboard(0), *parts[1]]
)
