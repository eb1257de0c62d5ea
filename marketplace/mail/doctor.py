"""Promise 7 as far as mail goes: a message that was written is sent or given up, never forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from marketplace.doctor import Fault, check
from marketplace.mail import outbox
from marketplace.mail.models import Message
from marketplace.work.models import coming


@check(promise=7)
def messages_have_their_work() -> Iterator[Fault]:
    """A message without an unfinished piece of work would lie for ever, with what it says."""
    for message in Message.objects.filter(~coming(outbox.SEND)).iterator():
        yield Fault(f"message {message.id}", f"written at {message.created_at}, and nobody is to send it.")
