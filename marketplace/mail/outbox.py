"""Writing a message in the transaction that makes it needed, and sending it later, as often as it takes."""

from __future__ import annotations

import logging
from email.utils import format_datetime
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from marketplace.mail.models import Message
from marketplace.work import queue
from marketplace.work.faults import BuyerFault, PlatformFault, WorkFault
from marketplace.work.leases import Lease

SEND = "mail.send"
_PERMANENT = 500

log = logging.getLogger(__name__)


def put(*, to: str, subject: str, text: str, html: str = "") -> None:
    """Have a message sent to ``to``. Called in a transaction: the message goes out if and only if that commits.

    Raises ValueError for a subject that is not one line.
    """
    if len(subject.splitlines()) != 1:
        raise ValueError(f"A subject is one line, not {subject!r}.")
    message = Message.objects.create(to=to, subject=subject, text=text, html=html)
    queue.enqueue(SEND, message.id)


def send(lease: Lease) -> None:
    """Hand the message to the mail server and forget it.

    A process that dies in between sends it twice; both copies have the same Message-ID. What is told of a failure names
    neither the address nor the text.
    """
    message = Message.objects.filter(id=lease.subject).first()
    if message is None:
        return
    try:
        _letter(message).send()
    except OSError as error:  # what smtplib raises is an OSError too
        raise _fault(error) from error
    with lease.finishing():
        message.delete()


def give_up(message: UUID, fault: WorkFault) -> None:
    """Forget a message that will not be sent; the failed piece of work is there for staff to see."""
    log.error("Message %s was given up: %s", message, fault.message)
    Message.objects.filter(id=message).delete()


def _letter(message: Message) -> EmailMultiAlternatives:
    headers = {
        "Message-ID": f"<{message.id}@{urlsplit(settings.PUBLIC_URL).hostname}>",
        "Date": format_datetime(message.created_at),
    }
    letter = EmailMultiAlternatives(message.subject, message.text, to=[message.to], headers=headers)
    if message.html:
        letter.attach_alternative(message.html, "text/html")
    return letter


def _fault(error: OSError) -> WorkFault:
    codes = _codes(error)
    answer = " ".join([type(error).__name__, *map(str, codes)])
    if isinstance(error, SMTPRecipientsRefused) and min(codes) >= _PERMANENT:
        return BuyerFault(f"The mail server refuses the address ({answer}).")
    return PlatformFault(f"The mail server did not take the message ({answer}).", again=True)


def _codes(error: OSError) -> list[int]:
    if isinstance(error, SMTPRecipientsRefused):
        return sorted(code for code, _ in error.recipients.values())
    return [error.smtp_code] if isinstance(error, SMTPResponseException) else []
