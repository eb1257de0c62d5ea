"""The kind of work of mail: a message is tried for twenty hours, at pauses that grow from 15 seconds to 25 minutes."""

from datetime import timedelta

from marketplace.mail import outbox
from marketplace.work.kinds import Kind, register

register(
    Kind(
        outbox.SEND,
        "interactive",
        perform=outbox.send,
        give_up=outbox.give_up,
        attempts=100,
        backoff=timedelta(seconds=15),
    )
)
