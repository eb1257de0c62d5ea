"""What the holder of a licence must know by e-mail: it is suspended, it is back, or it is gone; why, and what to do."""

from __future__ import annotations

from django.urls import reverse

from catalog import holding
from catalog.models import Licence
from marketplace.accounts import notices
from marketplace.accounts.notices import Notice

#: Who works with the data must stop, and who pays must know why.
_TOLD = tuple({*notices.WORK, *notices.MONEY})


def taken_away(licence: Licence) -> None:
    """Tell the holder that the licence is suspended or revoked. Called in the transaction that does it."""
    told = holding.notice(licence)
    _tell(licence, told.title, [told.why, told.remedy], "See the licence")


def given_back(licence: Licence) -> None:
    """Tell the holder that the licence is in force again. Called in the transaction that restores it."""
    paragraphs = ["What it was suspended for is over. The data may be used as before."]
    _tell(licence, f"The licence to {licence.dataset} is in force again", paragraphs, "See the licence")


def _tell(licence: Licence, title: str, paragraphs: list[str], action: str) -> None:
    dataset = f"It is {licence.account}’s licence to {licence.dataset.title}, version {licence.version.number}."
    path = reverse("catalog:licence", args=[licence.id])
    notices.tell(licence.account, Notice(title, [*filter(None, paragraphs), dataset], path, action), roles=_TOLD)
