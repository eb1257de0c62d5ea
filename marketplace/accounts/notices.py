"""What an account must know, by e-mail to who works for it: written in the transaction that made it so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

from marketplace.accounts.models import Account, Membership, Role
from marketplace.mail import letters

#: Who hears of the work, and who of money.
WORK: Final = (Role.OWNER, Role.MEMBER)
MONEY: Final = (Role.OWNER, Role.BILLING)
#: Nobody is told by more messages than this at once.
_MOST = 50


@dataclass(frozen=True)
class Notice:
    """A message: its subject, what happened in paragraphs, and the page (a path of this site) where to go on."""

    subject: str
    paragraphs: Sequence[str]
    path: str
    action: str


def tell(account: Account, notice: Notice, *, roles: Collection[str] = WORK) -> None:
    """Have ``notice`` sent to each owner and member of ``account``, or who has ``roles``. Called in a transaction."""
    for email in addresses([account.id], roles=roles)[account.id]:
        tell_person(email, notice)


def tell_person(email: str, notice: Notice) -> None:
    """Have ``notice`` sent to one address. Called in a transaction.

    Its subject is made one line: the names and titles that people gave stand in it.
    """
    address = f"{settings.PUBLIC_URL}{notice.path}"
    subject = " ".join(notice.subject.split())
    letters.write("mail/notice", to=email, subject=subject, notice=notice, address=address)


def tell_staff(permission: str, notice: Notice) -> None:
    """Have ``notice`` sent to everybody with ``permission`` (``billing.change_refund``). Called in a transaction."""
    staff = ModelBackend().with_perm(permission).order_by("email")
    for email in staff.values_list("email", flat=True)[:_MOST]:
        tell_person(email, notice)


def addresses(accounts: Collection[UUID], *, roles: Collection[str] = WORK) -> Mapping[UUID, list[str]]:
    """Who is told for each of ``accounts``: who has ``roles`` there, by address, and not more than a few dozen."""
    members = Membership.objects.filter(account__in=accounts, role__in=roles, user__is_active=True)
    members = members.order_by("account_id", "user__email")
    found: dict[UUID, list[str]] = defaultdict(list)
    for account, email in members.values_list("account_id", "user__email"):
        if len(found[account]) < _MOST:
            found[account].append(email)
    return found
