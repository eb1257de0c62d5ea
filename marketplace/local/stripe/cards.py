"""Stripe's published test cards: numbers, ready payment methods and what each does. https://docs.stripe.com/testing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """How a bank says no: https://docs.stripe.com/declines/codes."""

    message: str
    code: str = "card_declined"
    decline_code: str | None = None


GENERIC = Decline("Your card was declined.", decline_code="generic_decline")
INSUFFICIENT_FUNDS = Decline("Your card has insufficient funds.", decline_code="insufficient_funds")
AUTHENTICATION_REQUIRED = Decline(
    "Your card was declined. This transaction requires authentication.",
    code="authentication_required",
    decline_code="authentication_required",
)


@dataclass(frozen=True)
class Card:
    """One test card. ``ids`` are the ends of ``pm_card_…`` and ``tok_…`` that stand for it.

    ``asks`` is when the bank wants the person: never, always, or off session only where it was not set up before;
    ``set_up``: the card counts as set up already. ``decline`` comes last, after any authentication.
    """

    number: str
    ids: tuple[str, ...]
    brand: str = "visa"
    country: str = "US"
    asks: str = "never"
    set_up: bool = False
    decline: Decline | None = None
    attaches: bool = True
    dispute: str | None = None
    inquiry: bool = False
    refund: str = "succeeded"
    at_once: bool = False

    @property
    def last4(self) -> str:
        """What may be shown of the number."""
        return self.number[-4:]


def _declined(number: str, ids: tuple[str, ...], decline: Decline) -> Card:
    return Card(number, ids, decline=decline, attaches=False)


CARDS = (
    # https://docs.stripe.com/testing#cards
    Card("4242424242424242", ("visa",)),
    Card("4000056655665556", ("visa_debit",)),
    Card("5555555555554444", ("mastercard",), brand="mastercard"),
    Card("378282246310005", ("amex",), brand="amex"),
    Card("4000002760000016", ("de",), country="DE"),
    Card("4000005280000002", ("nl",), country="NL"),
    # https://docs.stripe.com/testing#declined-payments
    _declined("4000000000000002", ("visa_chargeDeclined", "chargeDeclined"), GENERIC),
    _declined(
        "4000000000009995",
        ("visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"),
        INSUFFICIENT_FUNDS,
    ),
    _declined(
        "4000000000009987",
        ("visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"),
        Decline("Your card was declined.", decline_code="lost_card"),
    ),
    _declined(
        "4000000000009979",
        ("visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"),
        Decline("Your card was declined.", decline_code="stolen_card"),
    ),
    _declined(
        "4000000000000069", ("chargeDeclinedExpiredCard",), Decline("Your card has expired.", code="expired_card")
    ),
    _declined(
        "4000000000000127",
        ("chargeDeclinedIncorrectCvc",),
        Decline("Your card's security code is incorrect.", code="incorrect_cvc"),
    ),
    _declined(
        "4000000000000119",
        ("chargeDeclinedProcessingError",),
        Decline("An error occurred while processing your card. Try again in a little bit.", code="processing_error"),
    ),
    Card("4000000000000341", ("chargeCustomerFail", "visa_chargeCustomerFail"), decline=GENERIC),
    # https://docs.stripe.com/testing#regulatory-cards
    Card("4000002500003155", ("authenticationRequiredOnSetup",), asks="unless_set_up"),
    Card("4000002760003184", ("authenticationRequired",), asks="always"),
    Card("4000003800000446", ("authenticationRequiredSetupForOffSession",), asks="unless_set_up", set_up=True),
    Card(
        "4000008260003178",
        ("authenticationRequiredChargeDeclinedInsufficientFunds",),
        asks="unless_set_up",
        decline=INSUFFICIENT_FUNDS,
    ),
    Card("4000000000003220", ("threeDSecure2Required",), asks="always"),
    Card("4000008400001629", ("threeDSecureRequiredChargeDeclined",), asks="always", decline=GENERIC),
    # https://docs.stripe.com/testing#disputes
    Card("4000000000000259", ("createDispute",), dispute="fraudulent"),
    Card("4000000000002685", ("createDisputeProductNotReceived",), dispute="product_not_received"),
    Card("4000000000001976", ("createDisputeInquiry",), dispute="fraudulent", inquiry=True),
    # https://docs.stripe.com/testing#refunds
    Card("4000000000007726", ("pendingRefund",), refund="pending"),
    Card("4000000000005126", ("refundFail",), refund="failed"),
    # https://docs.stripe.com/testing#available-balance
    Card("4000000000000077", ("bypassPending",), at_once=True),
)
_BY_NUMBER = {card.number: card for card in CARDS}
_BY_ID = {end: card for card in CARDS for end in card.ids}


def by_number(number: str) -> Card | None:
    """The card with this number; spaces do not matter."""
    return _BY_NUMBER.get(number.replace(" ", ""))


def by_token(token: str) -> Card | None:
    """The card that a ready ``pm_card_…`` or ``tok_…`` stands for."""
    for beginning in ("pm_card_", "tok_"):
        if token.startswith(beginning):
            return _BY_ID.get(token.removeprefix(beginning))
    return None
