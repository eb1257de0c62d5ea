"""What a seller must know, by e-mail to who works for the account: written in the transaction that made it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string

from marketplace.accounts.models import Account, Role, User
from marketplace.mail import outbox

#: Nobody is told by more messages than this at once.
_MOST = 50


@dataclass(frozen=True)
class Notice:
    """A message: its subject, what happened in paragraphs, and the page (a path of this site) where to go on."""

    subject: str
    paragraphs: Sequence[str]
    path: str
    action: str


def tell(account: Account, notice: Notice) -> None:
    """Have ``notice`` sent to each owner and member of ``account``. Called in a transaction."""
    people = User.objects.filter(
        is_active=True, memberships__account=account, memberships__role__in=[Role.OWNER, Role.MEMBER]
    )
    for email in people.order_by("email").distinct().values_list("email", flat=True)[:_MOST]:
        tell_person(email, notice)


def tell_person(email: str, notice: Notice) -> None:
    """Have ``notice`` sent to one address. Called in a transaction."""
    context = {"notice": notice, "address": f"{settings.PUBLIC_URL}{notice.path}", "PUBLIC_URL": settings.PUBLIC_URL}
    outbox.put(
        to=email,
        subject=notice.subject,
        text=render_to_string("catalog/email/notice.txt", context),
        html=render_to_string("catalog/email/notice.html", context),
    )
