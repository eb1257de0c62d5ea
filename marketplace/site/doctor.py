"""Promise 7 as far as work and shelves go: nothing is lost, so nothing lies about untouched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from catalog.models import Listing
from generation.runs.models import Run
from marketplace.doctor import Fault, check
from marketplace.work.kinds import kind
from marketplace.work.models import Piece

_PATIENCE = timedelta(minutes=10)
_SHELVED_WITHIN = timedelta(minutes=2)


@check(promise=7)
def leases_do_not_lie_lapsed() -> Iterator[Fault]:
    """A piece whose lease lapsed long ago shows that no sweep runs, or no worker."""
    for piece in Piece.objects.filter(state=Piece.State.LEASED, leased_until__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"piece {piece.id}", f"{piece.kind}: the lease lapsed at {piece.leased_until} and nobody took it.")


@check(promise=7)
def due_work_is_taken() -> Iterator[Fault]:
    """A queue may be long, but somebody works on it: nothing is due for long while nothing of the queue gets done."""
    at_work = Q(state=Piece.State.LEASED, leased_until__gte=Now())
    at_work |= Q(state__in=[Piece.State.DONE, Piece.State.FAILED], finished_at__gte=Now() - _PATIENCE)
    for queue, kinds in sorted(_kinds_by_queue().items()):
        pieces = Piece.objects.filter(kind__in=kinds)
        due = pieces.filter(state=Piece.State.DUE, due_at__lt=Now() - _PATIENCE).order_by("due_at")
        first = due.first()
        if first is not None and not pieces.filter(at_work).exists():
            message = f"nobody takes its work: {due.count():,} pieces are due, {first.kind} since {first.due_at}."
            yield Fault(f"queue {queue}", message)


@check(promise=7)
def due_work_is_offered_again() -> Iterator[Fault]:
    """A sweep offers again what is due and was not taken; a hint may be lost, the row is the truth."""
    unseen = Q(hinted_at__isnull=True) | Q(hinted_at__lt=Now() - _PATIENCE)
    for piece in Piece.objects.filter(unseen, state=Piece.State.DUE, due_at__lt=Now() - _PATIENCE).iterator():
        yield Fault(f"piece {piece.id}", f"{piece.kind} is due since {piece.due_at} and no sweep offers it.")


@check(promise=7)
def work_has_somebody_who_knows_it() -> Iterator[Fault]:
    """Every kind of work that is still to be done is one that an installed part does."""
    for name in Piece.objects.unfinished().order_by().values_list("kind", flat=True).distinct():
        try:
            kind(name)
        except LookupError:
            yield Fault(f"work {name}", "no installed part does this kind of work, and pieces of it are left.")


@check(promise=7)
def announced_listings_are_being_made() -> Iterator[Fault]:
    """An announced listing has a run under way that fills it; soon after that has ended it is announced no more."""
    run = Run.objects.filter(id=OuterRef("making"), dataset=OuterRef("dataset"))
    announced = Listing.objects.filter(state=Listing.State.ANNOUNCED)
    for listing in announced.filter(~Exists(run)).iterator():
        yield Fault(f"listing {listing.id}", "it is announced and no run fills it.")
    ended = run.filter(state__in=Run.ENDED, ended_at__lt=Now() - _SHELVED_WITHIN)
    for listing in announced.filter(Exists(ended)).iterator():
        yield Fault(f"listing {listing.id}", f"it is announced and its run {listing.making} has ended.")


@check(promise=7)
def nothing_of_the_site_waits_for_what_ended() -> Iterator[Fault]:
    """Work of the site that waits for a run is released when the run ends."""
    ended = Run.objects.filter(id=OuterRef("after"), state__in=Run.ENDED, ended_at__lt=Now() - _SHELVED_WITHIN)
    waiting = Piece.objects.filter(Exists(ended), state=Piece.State.WAITING, kind__startswith="site.")
    for piece in waiting.iterator():
        yield Fault(f"piece {piece.id}", f"{piece.kind} waits for run {piece.after}, which has ended.")


def _kinds_by_queue() -> dict[str, list[str]]:
    """The kinds of all pieces that there are, by the queue that carries them."""
    queues: dict[str, list[str]] = defaultdict(list)
    for name in Piece.objects.order_by().values_list("kind", flat=True).distinct():
        try:
            queues[kind(name).queue].append(name)
        except LookupError:
            continue  # another check tells of it
    return queues
