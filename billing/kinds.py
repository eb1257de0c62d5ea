"""The names of billing's kinds of work."""

from typing import Final

#: Look at Stripe's objects of a payment.
SETTLE: Final = "billing.settle"
#: Let go of a payment that was not made.
VOID: Final = "billing.void"
#: Give money back.
REFUND: Final = "billing.refund"
#: Find out what an event of Stripe's is about, and look there.
EVENT: Final = "billing.event"
#: Hold anew what is held and about to end.
RENEW: Final = "billing.renew"
#: Compare a day with what Stripe says moved our balance.
RECONCILE: Final = "billing.reconcile"
#: Send a seller what a payable owes.
TRANSFER: Final = "billing.transfer"
#: Take back what was sent to a seller in excess.
REVERSAL: Final = "billing.reversal"
#: Look at a seller's account at Stripe.
SELLER: Final = "billing.seller"
