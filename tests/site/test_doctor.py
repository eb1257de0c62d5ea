"""The doctor on work and shelves: each test breaks one thing in the database and looks who tells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog import previews, publishing
from catalog.models import Listing
from generation.runs.models import Run
from marketplace.doctor import CheckFunction
from marketplace.site import doctor, shelves
from marketplace.site.shelves import Shelf
from marketplace.work.models import Piece
from tests.factories import a_dataset, a_listing, a_version, an_account
from tests.generation.made import the_dice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

LONG = timedelta(hours=1)


def said(check: CheckFunction) -> list[str]:
    return [fault.subject for fault in check()]


def announced() -> Listing:
    dice = the_dice()
    return shelves.announce(
        dice.generator.account, dice, Shelf("house", "throws", "Throws", "Dice.", "Thrown.", "dice", units=500)
    )


def end(listing: Listing) -> None:
    """The run ended an hour ago, and nobody was told."""
    Run.objects.filter(id=listing.making).update(state=Run.State.FAILED, ended_at=Now() - LONG)


def published() -> Piece:
    """A version was published; of the work that this asks for the preview is left."""
    version = a_version(a_dataset(an_account()))
    Piece.objects.exclude(kind=previews.PREVIEW).delete()
    return Piece.objects.get(subject=version.id)


def test_work_that_is_due_while_its_queue_stands_still_is_found() -> None:
    published()
    Piece.objects.update(due_at=Now() - LONG, hinted_at=Now())
    (fault,) = doctor.due_work_is_taken()
    assert fault.subject == "queue publishing"
    assert "1 pieces are due, catalog.preview since" in fault.message


def test_a_long_queue_that_moves_is_no_fault() -> None:
    dataset = a_dataset(an_account())
    done, _ = a_version(dataset), a_version(dataset)
    Piece.objects.update(due_at=Now() - LONG)
    Piece.objects.filter(subject=done.id).update(state=Piece.State.DONE, finished_at=Now())
    assert said(doctor.due_work_is_taken) == []
    Piece.objects.filter(subject=done.id).update(finished_at=F("finished_at") - LONG)
    assert said(doctor.due_work_is_taken) == ["queue generation", "queue publishing"]


def test_due_work_that_no_sweep_offers_is_found() -> None:
    piece = published()
    Piece.objects.update(due_at=Now() - LONG, hinted_at=Now())
    assert said(doctor.due_work_is_offered_again) == []
    Piece.objects.update(hinted_at=Now() - LONG)
    assert said(doctor.due_work_is_offered_again) == [f"piece {piece.id}"]


def test_work_that_no_installed_part_does_is_found() -> None:
    published()
    assert said(doctor.work_has_somebody_who_knows_it) == []
    Piece.objects.update(kind="astrology.horoscope", due_at=Now() - LONG)
    assert said(doctor.work_has_somebody_who_knows_it) == ["work astrology.horoscope"]
    assert said(doctor.due_work_is_taken) == []


def test_a_listing_whose_run_ended_and_that_is_announced_still_is_found() -> None:
    listing = announced()
    assert said(doctor.announced_listings_are_being_made) == []
    end(listing)
    assert said(doctor.announced_listings_are_being_made) == [f"listing {listing.id}"]


def test_a_listing_that_is_announced_without_a_run_is_found() -> None:
    listing = a_listing(a_dataset(an_account())).listing
    publishing.announce(listing, uuid7())
    assert said(doctor.announced_listings_are_being_made) == [f"listing {listing.id}"]


def test_a_shelf_that_waits_for_a_run_that_ended_is_found_and_the_sweep_releases_it() -> None:
    listing = announced()
    piece = Piece.objects.get(kind=shelves.SHELVE)
    assert said(doctor.nothing_of_the_site_waits_for_what_ended) == []
    end(listing)
    assert said(doctor.nothing_of_the_site_waits_for_what_ended) == [f"piece {piece.id}"]
    shelves.sweep()
    shelves.sweep()
    assert said(doctor.nothing_of_the_site_waits_for_what_ended) == []
    assert [due.state for due in Piece.objects.filter(kind=shelves.SHELVE)] == [Piece.State.DUE]


def test_the_sweep_asks_for_a_shelf_that_nobody_was_to_fill() -> None:
    listing = announced()
    Piece.objects.filter(kind=shelves.SHELVE).delete()
    end(listing)
    shelves.sweep()
    shelves.sweep()
    assert [due.state for due in Piece.objects.filter(kind=shelves.SHELVE)] == [Piece.State.DUE]
