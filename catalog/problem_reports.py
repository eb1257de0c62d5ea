"""Reporting a problem of a version, and answering it: by whom, how often, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from catalog import licensing
from catalog.models import Dataset, ProblemAnswer, ProblemReport, Version
from marketplace.accounts import notices
from marketplace.accounts.models import Account, User
from marketplace.accounts.notices import Notice

#: So often may one person report in a day, and write to reports in an hour.
REPORTS_A_DAY: Final = 5
ANSWERS_AN_HOUR: Final = 20

_STATE_AFTER = {
    ProblemAnswer.Voice.SELLER: ProblemReport.State.ANSWERED,
    ProblemAnswer.Voice.STAFF: ProblemReport.State.ANSWERED,
    ProblemAnswer.Voice.REPORTER: ProblemReport.State.OPEN,
}


class TooMany(Exception):
    """This person has written so much that the rest must wait; the message says until when."""


class NotYours(Exception):
    """Only the seller, staff and whoever reported the problem write to it."""


def of(dataset: Dataset) -> QuerySet[ProblemReport]:
    """The problems reported of any version of ``dataset``, with what was answered."""
    reports = ProblemReport.objects.filter(version__dataset=dataset).select_related("version", "account")
    return reports.prefetch_related("answers")


def unanswered(account: Account) -> QuerySet[ProblemReport]:
    """What has been reported of the datasets of ``account`` and waits for an answer."""
    return ProblemReport.objects.filter(version__dataset__account=account, state=ProblemReport.State.OPEN)


def report(version: Version, *, account: Account, by: User, title: str, text: str) -> ProblemReport:
    """Report a problem of ``version``; the seller is told by e-mail.

    Raises TooMany, and licensing's answer as NotYours for a version that the account may not look at.
    """
    if not licensing.may_look(account, version):
        raise NotYours(f"There is no version {version.number} that you may see.")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(id=by.id)
        today = ProblemReport.objects.filter(reporter=by, reported_at__gt=Now() - timedelta(days=1))
        if today.count() >= REPORTS_A_DAY:
            raise TooMany(f"You have reported {REPORTS_A_DAY} problems within a day. Report this one tomorrow.")
        made = ProblemReport.objects.create(
            version=version, account=account, reporter=by, title=title.strip(), text=text.strip()
        )
        subject = f"A problem of {version.dataset.title} {version.number} was reported"
        notices.tell(version.dataset.account, _notice(made, subject, f"{account.slug} writes: {made.title}", made.text))
        return made


def voice(found: ProblemReport, *, account: Account | None, by: User) -> str:
    """As whom ``by``, acting for ``account``, writes to a report; empty for who has no say in it."""
    if account is not None and account.id == found.version.dataset.account_id:
        return ProblemAnswer.Voice.SELLER
    if by.is_staff:
        return ProblemAnswer.Voice.STAFF
    return ProblemAnswer.Voice.REPORTER if by.id == found.reporter_id else ""


def answer(
    found: ProblemReport, *, account: Account | None, by: User, text: str, resolved: bool = False
) -> ProblemAnswer:
    """Write to a report, in public; ``resolved`` closes it, which seller and staff may. The other side is told.

    Raises NotYours and TooMany.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(id=by.id)
        locked = ProblemReport.objects.select_for_update(no_key=True, of=("self",)).select_related(
            "version__dataset__account", "reporter"
        )
        found = locked.get(id=found.id)
        speaks = voice(found, account=account, by=by)
        if not speaks:
            raise NotYours("Only the seller, staff and whoever reported a problem write to it. Report one of your own.")
        written = ProblemAnswer.objects.filter(author=by, answered_at__gt=Now() - timedelta(hours=1))
        if written.count() >= ANSWERS_AN_HOUR:
            raise TooMany(f"You have written {ANSWERS_AN_HOUR} answers within an hour. Write this one later.")
        made = ProblemAnswer.objects.create(report=found, author=by, voice=speaks, text=text.strip())
        closes = resolved and speaks != ProblemAnswer.Voice.REPORTER
        found.state = ProblemReport.State.RESOLVED if closes else _STATE_AFTER[ProblemAnswer.Voice(speaks)]
        found.save(update_fields=["state"])
        _tell_the_other_side(found, made)
        return made


def _tell_the_other_side(found: ProblemReport, made: ProblemAnswer) -> None:
    dataset = found.version.dataset
    state = f"The problem is {found.get_state_display()}."
    notice = _notice(found, f"“{found.title}” ({dataset.title}): {made.get_voice_display()} wrote", made.text, state)
    if made.voice == ProblemAnswer.Voice.REPORTER:
        notices.tell(dataset.account, notice)
    elif found.reporter.is_active:
        notices.tell_person(found.reporter.email, notice)


def _notice(found: ProblemReport, subject: str, *paragraphs: str) -> Notice:
    dataset = found.version.dataset
    path = reverse("catalog:dataset-problems", args=[dataset.account.slug, dataset.name])
    return Notice(subject, paragraphs, f"{path}#problem-{found.id}", "Read and answer it")
