"""The data of billing."""

from billing.models.customer import Customer
from billing.models.dispute import Dispute
from billing.models.event import Event
from billing.models.invoice import Invoice, Numbering
from billing.models.ledger import Entry, Transaction
from billing.models.payable import OWED, Payable
from billing.models.payment import CheckoutSession, Intent, Payment
from billing.models.payout_hold import PayoutHold
from billing.models.profile import BillingProfile
from billing.models.purchase import Purchase
from billing.models.reconciliation import BalanceTransaction, Reconciliation
from billing.models.refund import Refund
from billing.models.seller import COMMISSION, SellerAccount
from billing.models.transfer import Reversal, Transfer

__all__ = [
    "COMMISSION",
    "OWED",
    "BalanceTransaction",
    "BillingProfile",
    "CheckoutSession",
    "Customer",
    "Dispute",
    "Entry",
    "Event",
    "Intent",
    "Invoice",
    "Numbering",
    "Payable",
    "Payment",
    "PayoutHold",
    "Purchase",
    "Reconciliation",
    "Refund",
    "Reversal",
    "SellerAccount",
    "Transaction",
    "Transfer",
]
