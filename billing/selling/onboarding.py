"""A seller becomes an account at Stripe that money can be sent to, and stays looked at.

Stripe asks the questions, on its own pages, behind links that are good once; we mirror what came of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from billing import kinds
from billing.models import SellerAccount
from billing.processor import connect
from billing.selling import payables
from marketplace.accounts import notices
from marketplace.accounts.models import Account, User
from marketplace.accounts.notices import Notice
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

State = SellerAccount.State
_A_SWEEP = 50  # accounts
_WHILE_SET_UP: Final = timedelta(minutes=30)
_LATER: Final = timedelta(days=1)

#: What Stripe wants, by the beginning of its name, in words; the longest that fits is used.
_WANTED: Final = {
    "business_profile": "what you sell, and where",
    "business_type": "whether you are a person or a company",
    "company": "the company’s particulars",
    "company.tax_id": "the company’s tax number",
    "company.verification": "a document about the company",
    "external_account": "the bank account that money goes to",
    "individual": "your particulars",
    "individual.address": "your address",
    "individual.dob": "your date of birth",
    "individual.id_number": "your identity number",
    "individual.verification": "an identity document",
    "owners": "who owns the company",
    "person": "particulars of a person of the company",
    "representative": "who acts for the company",
    "tos_acceptance": "your agreement to Stripe’s terms",
}


class Closed(Exception):
    """Stripe closed the account, or the seller took it away from us."""


def link(seller: SellerAccount, email: str) -> str:
    """The address, good once, of the pages where Stripe asks what it wants to know; the account is opened if needed.

    Raises Closed, and the processor's Refused and Unavailable.
    """
    if seller.state == State.CLOSED:
        raise Closed("This account at Stripe is closed. Write to us, and we open another one.")
    if not seller.stripe_id:
        # The row makes the key of the call, so asking twice at once opens one account.
        key = f"account:{seller.id}:{seller.closed_before}"
        opened = connect.open_account(account=seller.account_id, email=email, key=key)
        _mirror(seller.id, opened)
        stripe_id = opened.id
    else:
        stripe_id = seller.stripe_id
    return connect.account_link(
        stripe_id,
        refresh_url=settings.PUBLIC_URL + reverse("billing:payouts-again"),
        return_url=settings.PUBLIC_URL + reverse("billing:payouts-back"),
    )


def look(seller: SellerAccount) -> SellerAccount:
    """See what Stripe says of the account now, and mirror it. Raises Unavailable and Refused."""
    if not seller.stripe_id:
        return seller
    with transaction.atomic():
        # Asked under the lock: what is written down is never older than what was written before.
        payables.lock_seller(seller.account_id)
        return _mirror(seller.id, connect.account(seller.stripe_id))


def look_at(stripe_id: str) -> bool:
    """Look at the account with Stripe's id ``acct_…``; ``False`` when it is no seller of ours."""
    seller = SellerAccount.objects.select_related("account").filter(stripe_id=stripe_id).first()
    if seller is None:
        return False
    look(seller)
    return True


def perform(lease: Lease) -> None:
    """Perform ``billing.seller``."""
    look(SellerAccount.objects.select_related("account").get(id=lease.subject))


def give_up(seller: UUID, fault: WorkFault) -> None:
    """Nothing to record: a sweep looks again."""


def look_again() -> None:
    """Sweep: look at accounts that were not looked at for long; those being set up, and restricted ones, sooner."""
    moving = Q(state__in=[State.CREATED, State.ONBOARDING, State.RESTRICTED], looked_at__lt=Now() - _WHILE_SET_UP)
    stale = SellerAccount.objects.filter(moving | Q(looked_at__lt=Now() - _LATER))
    with transaction.atomic():
        found = stale.exclude(state=State.CLOSED).exclude(stripe_id="").order_by("looked_at")
        locked = found.select_for_update(no_key=True, skip_locked=True)
        sellers = list(locked.values_list("id", flat=True)[:_A_SWEEP])
        SellerAccount.objects.filter(id__in=sellers).update(looked_at=Now())
        queue.enqueue_all(kinds.SELLER, sellers)


def wanted(seller: SellerAccount) -> list[str]:
    """What Stripe still wants to know, in words, each once."""
    return sorted({_in_words(name) for name in seller.wanted})


def open_another(seller: SellerAccount) -> SellerAccount:
    """Let a seller whose account at Stripe is closed open another one. Raises ValueError for one that is not closed."""
    with transaction.atomic():
        seller = payables.lock_seller(seller.account_id)
        if seller.state != State.CLOSED:
            raise ValueError("the account at Stripe is not closed")
        seller.state, seller.stripe_id, seller.wanted, seller.restricted_for = State.CREATED, "", [], ""
        seller.closed_before += 1
        seller.save()
        _tell(seller.account, "You may set up payouts again", ["Open another account at Stripe to be paid."])
    return seller


def percent(basis_points: int) -> str:
    """A commission in words: ``15 %``, ``12.5 %``."""
    return f"{basis_points / 100:g} %"


def agree(seller: SellerAccount, commission: int, by: User) -> SellerAccount:
    """Take another commission, in basis points, of payments that begin from now on; the seller is told.

    Raises ValueError for what is not a share.
    """
    if not 0 <= commission <= 10_000:
        raise ValueError("a commission is from 0 to 10,000 basis points")
    with transaction.atomic():
        seller = payables.lock_seller(seller.account_id)
        before, seller.commission = seller.commission, commission
        seller.save(update_fields=["commission"])
        if before != commission:
            now, then = percent(commission), percent(before)
            said = f"From now on it is {now} of what buyers pay without tax; it was {then}."
            paragraphs = [said, "Payments that began before keep the commission that they began with."]
            _tell(seller.account, "Your commission changed", paragraphs)
            LogEntry.objects.log_actions(by.pk, [seller], CHANGE, f"commission from {then} to {now}")
    return seller


def _mirror(seller_id: UUID, told: connect.AccountSeen) -> SellerAccount:
    """Write down what Stripe says, and tell the seller of a restriction or an end."""
    with transaction.atomic():
        seller = SellerAccount.objects.select_for_update(no_key=True).get(id=seller_id)
        before = seller.state
        seller.stripe_id = told.id or seller.stripe_id
        seller.state = _state(seller, told)
        seller.wanted, seller.wanted_by = list(told.wanted), told.wanted_by
        seller.restricted_for = told.restricted_for
        seller.looked_at = Now()
        seller.save()
        if before != seller.state and seller.state in {State.RESTRICTED, State.CLOSED}:
            said = f"Your account at Stripe is {State(seller.state).label}. What you are owed is kept here meanwhile."
            _tell(seller.account, f"Payouts stopped: your account at Stripe is {seller.state}", [said])
        elif before != seller.state and seller.state == State.ACTIVE:
            _tell(seller.account, "Payouts are set up", ["What you are owed is sent once its refund window is over."])
        seller.refresh_from_db()
        return seller


def _state(seller: SellerAccount, told: connect.AccountSeen) -> str:
    """created → onboarding → active ⇄ restricted → closed."""
    if told.gone:
        return State.CLOSED
    if told.can_receive:
        return State.ACTIVE
    was_active = seller.state in {State.ACTIVE, State.RESTRICTED}
    # Stripe says "restricted" of an account too whose owner has answered nothing yet.
    return State.RESTRICTED if was_active or (told.submitted and told.restricted_for) else State.ONBOARDING


def _tell(account: Account, subject: str, paragraphs: list[str]) -> None:
    notice = Notice(subject, paragraphs, reverse("billing:payouts"), "See your payouts")
    notices.tell(account, notice, roles=notices.MONEY)


def _in_words(name: str) -> str:
    # Persons of a company have an id in place of their kind: person_… .
    plain = ".".join("person" if part.startswith("person_") else part for part in name.split("."))
    fitting = [known for known in _WANTED if plain == known or plain.startswith(f"{known}.")]
    return _WANTED[max(fitting, key=len)] if fitting else plain.replace(".", ", ").replace("_", " ")
