"""Mail is work: who writes a message waits for no mail server, and what it says is kept no longer than needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace.local.processes import free_port
from marketplace.mail import outbox
from marketplace.mail.doctor import messages_have_their_work
from marketplace.mail.models import Message
from marketplace.work.kinds import kind
from marketplace.work.models import Piece
from tests.mail import server as mailserver
from tests.mail.server import GREETING, TAKEN, MailServer
from tests.workers import work_off

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "https://market.example/let-me-in/4711"


@pytest.fixture
def smtp(settings: Settings) -> int:
    """The port on which mail is sent, where nobody listens yet."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port(0)
    return int(settings.EMAIL_PORT)


@pytest.fixture
def post(smtp: int) -> Iterator[MailServer]:
    with mailserver.running(smtp) as server:
        yield server


def put(**more: str) -> UUID:
    with transaction.atomic():
        outbox.put(to="ann@buyer.example", subject="Your dataset is ready", text=f"Look: {SECRET}", **more)
    return Message.objects.latest("created_at").id


def the_piece() -> Piece:
    return Piece.objects.get(kind=outbox.SEND)


def once_the_pause_is_over() -> None:
    Piece.objects.filter(state=Piece.State.DUE).update(due_at=Now())
    work_off()


def told() -> str:
    """All that the database still says of messages and their work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT m::text FROM mail_message m UNION ALL SELECT p::text FROM work_piece p")
        return "\n".join(row for (row,) in cursor.fetchall())


def test_signing_up_answers_while_the_mail_server_is_down_and_the_message_follows_when_it_is_back(
    client: Client, smtp: int
) -> None:
    given = {"email": "new@example.com", "slug": "new-shop", "password1": "correct horse battery"}
    assert client.post(reverse("account_signup"), given).status_code == 302
    work_off()
    piece = the_piece()
    assert (piece.state, piece.attempts) == (Piece.State.DUE, 1)
    assert "did not take the message (ConnectionRefusedError)" in piece.fault_message

    with mailserver.running(smtp) as server:
        once_the_pause_is_over()
    (letter,) = server.kept
    assert letter["To"] == "new@example.com" and letter["Subject"] == "Confirm your e-mail address"
    link = re.search(r"http://[^/\s]+(/accounts/confirm-email/\S+)", letter.get_content())
    assert link and client.post(link[1]).status_code == 302
    assert the_piece().state == Piece.State.DONE
    assert link[1] not in told() and "new@example.com" not in told()


def test_a_message_arrives_as_it_was_written(post: MailServer) -> None:
    written = put(html="<p>Über <b>alles</b></p>")
    sent_at = Message.objects.get().created_at.replace(microsecond=0)
    work_off()
    (letter,) = post.kept
    text, html = letter.iter_parts()
    assert SECRET in text.get_content() and "<p>Über <b>alles</b></p>" in html.get_content()
    assert html.get_content_type() == "text/html"
    assert letter["Message-ID"] == f"<{written}@localhost>" and letter["Date"].datetime == sent_at
    assert SECRET not in told()


@pytest.mark.parametrize(
    ("moment", "answer", "said"),
    [
        (GREETING, "421 Too busy", "SMTPConnectError 421"),
        (b"RCPT", "450 Try again later", "SMTPRecipientsRefused 450"),
        (b"MAIL", "550 You may not send", "SMTPSenderRefused 550"),
        (b"DATA", "554 No", "SMTPDataError 554"),
        (TAKEN, "", "SMTPServerDisconnected"),
    ],
)
def test_what_may_pass_is_tried_again_and_the_copies_have_one_name(
    post: MailServer, moment: bytes, answer: str, said: str
) -> None:
    written = put()
    post.answers[moment] = answer
    work_off()
    assert the_piece().state == Piece.State.DUE and said in the_piece().fault_message
    assert "ann@" not in the_piece().fault_message
    post.answers.clear()
    once_the_pause_is_over()
    assert the_piece().state == Piece.State.DONE
    assert {letter["Message-ID"] for letter in post.kept} == {f"<{written}@localhost>"}
    assert SECRET not in told()


def test_a_mail_server_that_says_nothing_does_not_hold_the_worker(post: MailServer, settings: Settings) -> None:
    assert 0 < settings.EMAIL_TIMEOUT < 60
    settings.EMAIL_TIMEOUT = 0.2
    put()
    post.answers[GREETING] = None
    work_off()
    assert the_piece().state == Piece.State.DUE and "SMTPServerDisconnected" in the_piece().fault_message


def test_an_address_that_is_refused_is_not_tried_again(post: MailServer) -> None:
    put()
    post.answers[b"RCPT"] = "550 No such mailbox"
    work_off()
    piece = the_piece()
    assert (piece.state, piece.attempts, piece.fault_owner) == (Piece.State.FAILED, 1, "buyer")
    assert "refuses the address" in piece.fault_message
    assert SECRET not in told() and "ann@" not in told()


def test_a_message_that_was_tried_often_enough_is_given_up_and_forgotten(smtp: int) -> None:
    put()
    Piece.objects.update(attempts=kind(outbox.SEND).attempts - 1)
    work_off()
    assert (the_piece().state, the_piece().fault_owner) == (Piece.State.FAILED, "platform")
    assert SECRET not in told()


def test_a_message_of_a_transaction_that_did_not_happen_is_not_sent(post: MailServer) -> None:
    with pytest.raises(InterruptedError), transaction.atomic():
        outbox.put(to="ann@buyer.example", subject="Your dataset is ready", text="It is not.")
        raise InterruptedError
    work_off()
    assert post.kept == [] and not Message.objects.exists()
    with pytest.raises(transaction.TransactionManagementError):
        outbox.put(to="ann@buyer.example", subject="Outside of any transaction", text="")


@pytest.mark.parametrize("subject", ["", "Two\nlines", "Two\r\nBcc: eve@evil.example"])
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(ValueError, match="one line"), transaction.atomic():
        outbox.put(to="ann@buyer.example", subject=subject, text="")


def test_the_doctor_finds_a_message_that_nobody_is_to_send(smtp: int) -> None:
    put()
    assert list(messages_have_their_work()) == []
    lost = Message.objects.create(to="bob@buyer.example", subject="Lost", text=SECRET)
    (fault,) = messages_have_their_work()
    assert fault.subject == f"message {lost.id}" and "bob@" not in fault.message and SECRET not in fault.message
