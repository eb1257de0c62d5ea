"""What work promises: a piece is done by whoever holds its token, offered again when they go silent, and never lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from marketplace.accounts.models import Account
from marketplace.work import kinds, queue
from marketplace.work.celery_tasks import perform, sweep
from marketplace.work.faults import LeaseLost, PlatformFault, SellerFault, WorkFault
from marketplace.work.kinds import Kind
from marketplace.work.leases import Lease, claim, heartbeat
from marketplace.work.models import Piece, coming
from tests.factories import an_account

pytestmark = pytest.mark.django_db(transaction=True)


class Recorder:
    """A kind of work that notes what happened to it, and does what a test says."""

    def __init__(self) -> None:
        self.performed: list[UUID] = []
        self.given_up: list[tuple[UUID, str, str]] = []
        self.error: Exception | None = None

    def perform(self, lease: Lease) -> None:
        self.performed.append(lease.subject)
        if self.error is not None:
            raise self.error

    def give_up(self, subject: UUID, fault: WorkFault) -> None:
        self.given_up.append((subject, fault.owner, fault.message))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    name = "tests.record"
    kinds.register(
        Kind(
            name,
            "housekeeping",
            perform=made.perform,
            give_up=made.give_up,
            lease=timedelta(seconds=2),
            attempts=3,
            backoff=timedelta(0),
        )
    )
    yield made
    del kinds._kinds[name]


def enqueue(subject: UUID, after: UUID | None = None) -> Piece:
    with transaction.atomic():
        queue.enqueue("tests.record", subject, after=after)
    return Piece.objects.get(subject=subject, after=after, state__in=["due", "waiting"])


def let_lapse(piece: Piece) -> None:
    Piece.objects.filter(id=piece.id).update(leased_until=Now() - timedelta(seconds=1))


def test_a_due_piece_is_performed_once_and_done(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    perform(str(piece.id))
    perform(str(piece.id))
    piece.refresh_from_db()
    assert recorder.performed == [piece.subject]
    assert piece.state == "done"
    assert piece.token is None


def test_asking_twice_for_the_same_unfinished_work_makes_one_piece(recorder: Recorder) -> None:
    subject = uuid4()
    enqueue(subject)
    enqueue(subject)
    assert Piece.objects.filter(subject=subject).count() == 1


def test_work_is_asked_for_within_a_transaction_only(recorder: Recorder) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        queue.enqueue("tests.record", uuid4())


def test_a_piece_that_is_rolled_back_never_existed(recorder: Recorder) -> None:
    subject = uuid4()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue("tests.record", subject)
        raise ZeroDivisionError
    assert not Piece.objects.filter(subject=subject).exists()


def test_of_many_workers_one_gets_the_piece(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    leases: list[Lease | None] = []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        leases.append(claim(piece.id))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(lease is not None for lease in leases) == 1


def test_a_lapsed_lease_is_offered_again_and_the_old_token_can_finish_nothing(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    first = claim(piece.id)
    let_lapse(piece)
    second = claim(piece.id)
    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLost), first.finishing():
        raise AssertionError("the body of a lost lease must not run")
    with second.finishing():
        pass
    piece.refresh_from_db()
    assert piece.state == "done"


def test_the_heartbeat_keeps_the_lease_while_the_work_goes_on(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    lease = claim(piece.id)
    assert lease is not None
    with heartbeat(lease):
        threading.Event().wait(3)
        assert claim(piece.id) is None
    assert not lease.lost.is_set()


def test_the_heartbeat_notices_that_the_piece_was_cancelled(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    lease = claim(piece.id)
    assert lease is not None
    with heartbeat(lease):
        with transaction.atomic():
            queue.cancel([piece.subject], "tests.record")
        assert lease.lost.wait(60)
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_piece_whose_worker_died_three_times_is_given_up_with_the_platform_at_fault(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    for _ in range(3):
        assert claim(piece.id) is not None
        let_lapse(piece)
    assert claim(piece.id) is None
    piece.refresh_from_db()
    assert piece.state == "failed"
    assert [(subject, owner) for subject, owner, _ in recorder.given_up] == [(piece.subject, "platform")]


def test_an_unexpected_error_is_tried_again_and_then_given_up(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    recorder.error = RuntimeError("the disk is full")
    for _ in range(4):
        perform(str(piece.id))
    piece.refresh_from_db()
    assert len(recorder.performed) == 3
    assert (piece.state, piece.fault_owner) == ("failed", "platform")
    assert "the disk is full" in piece.fault_message
    assert len(recorder.given_up) == 1


def test_a_fault_of_the_seller_ends_the_piece_at_once(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    recorder.error = SellerFault("The generator raised ValueError.")
    perform(str(piece.id))
    piece.refresh_from_db()
    assert (piece.state, piece.fault_owner, piece.attempts) == ("failed", "seller", 1)
    assert recorder.given_up == [(piece.subject, "seller", "The generator raised ValueError.")]


def test_giving_up_and_marking_failed_happen_together_or_not_at_all(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    lease = claim(piece.id)
    assert lease is not None

    def explode(subject: UUID, fault: WorkFault) -> None:
        raise ZeroDivisionError

    kinds._kinds["tests.record"] = Kind(
        "tests.record", "housekeeping", perform=recorder.perform, give_up=explode, attempts=3
    )
    with pytest.raises(ZeroDivisionError):
        lease.fail(PlatformFault("no"))
    piece.refresh_from_db()
    assert piece.state == "leased"


def test_a_waiting_piece_becomes_due_when_what_it_waits_for_is_released(recorder: Recorder) -> None:
    ended = uuid4()
    piece = enqueue(uuid4(), after=ended)
    perform(str(piece.id))
    assert recorder.performed == []
    with transaction.atomic():
        queue.release(ended)
    perform(str(piece.id))
    assert recorder.performed == [piece.subject]


def test_the_sweep_hints_again_at_what_nobody_took(recorder: Recorder, settings: object) -> None:
    piece = enqueue(uuid4())
    Piece.objects.filter(id=piece.id).update(hinted_at=Now() - timedelta(hours=1))
    before = Piece.objects.get(id=piece.id).hinted_at
    sweep()
    after = Piece.objects.get(id=piece.id).hinted_at
    assert after is not None
    assert before is not None
    assert after > before


def test_the_database_refuses_a_lease_without_a_token(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    with pytest.raises(Exception, match="leased_has_token"):
        Piece.objects.filter(id=piece.id).update(state="leased")


def test_what_is_asked_for_while_it_is_being_done_is_done_again(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    lease = claim(piece.id)
    assert lease is not None
    again = enqueue(piece.subject)
    assert again.id != piece.id
    with lease.finishing():
        pass
    perform(str(again.id))
    assert recorder.performed == [piece.subject]


def test_a_piece_that_is_put_back_while_the_same_was_asked_for_makes_way_for_it(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    lease = claim(piece.id)
    assert lease is not None
    enqueue(piece.subject)
    lease.put_back(PlatformFault("the disk is full"))
    assert list(Piece.objects.filter(subject=piece.subject).order_by("id").values_list("state", flat=True)) == [
        "cancelled",
        "due",
    ]


def test_what_goes_on_under_a_lease_is_stopped_as_soon_as_it_is_lost(recorder: Recorder) -> None:
    piece = enqueue(uuid4())
    lease = claim(piece.id)
    assert lease is not None
    stopped = threading.Event()
    with pytest.raises(LeaseLost), heartbeat(lease), lease.stopping(stopped.set):
        with transaction.atomic():
            queue.cancel([piece.subject], "tests.record")
        assert stopped.wait(60)


def test_a_lease_that_is_lost_while_it_finishes_keeps_nothing(recorder: Recorder) -> None:
    piece, written = enqueue(uuid4()), uuid4()
    first = claim(piece.id)
    assert first is not None
    with pytest.raises(LeaseLost), first.finishing():
        enqueue(written)
        # Another connection: the lease lapses and somebody else takes the piece before the body has ended.
        other = threading.Thread(target=lambda: (let_lapse(piece), claim(piece.id), connection.close()))
        other.start()
        other.join()
    assert not Piece.objects.filter(subject=written).exists()
    piece.refresh_from_db()
    assert (piece.state, piece.attempts) == ("leased", 2)


def test_work_is_coming_to_a_row_if_it_is_of_the_kind_not_over_and_of_that_row(recorder: Recorder) -> None:
    acme, other = an_account("acme"), an_account("other")
    piece = enqueue(acme.id)

    def awaiting(*kinds: str) -> list[Account]:
        return list(Account.objects.filter(coming(*kinds)).order_by("slug"))

    assert awaiting("tests.record") == awaiting("tests.another", "tests.record") == [acme]
    assert awaiting("tests.another") == []
    enqueue(other.id, after=uuid4())
    assert awaiting("tests.record") == [acme, other], "what waits is still to come"
    perform(str(piece.id))
    assert recorder.performed == [acme.id]
    assert awaiting("tests.record") == [other]
    assert list(Piece.objects.filter(coming("tests.record"))) == [], "their own ids are nobody's subject"
    assert set(Piece.objects.filter(coming("tests.record", subject="subject"))) == {
        Piece.objects.get(after__isnull=False)
    }
