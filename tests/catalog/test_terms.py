"""Licences say what they allow: terms have versions, an offer never changes, a licence ends when it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from catalog import licensing, offers, publishing, terms
from catalog.models import Dataset, Licence, Listing, Terms
from marketplace.accounts.models import Account
from tests.factories import a_dataset, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def listing() -> Listing:
    dataset = a_dataset(an_account("seller"))
    found = Listing.objects.create(dataset=dataset, summary="Some numbers.", modality="tabular")
    a_version(dataset)
    publishing.put_on_shelf(found)
    return found


@pytest.fixture
def buyer() -> Account:
    return an_account("buyer")


def test_standard_terms_are_written_down_once_and_answer_every_question() -> None:
    first = terms.standard(terms.Kind.RESEARCH)
    assert terms.standard(terms.Kind.RESEARCH) == first
    answered = dict(terms.answers(first))
    assert list(answered) == list(terms.QUESTIONS.values())
    assert answered["May models be trained on it, and used outside?"]
    assert not answered["May it be used commercially?"]


def test_a_standard_wording_that_changes_under_its_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    terms.standard(terms.Kind.RESEARCH)
    changed = terms.Standard(1, terms.Wording("Research", "Anything goes.", frozenset()))
    monkeypatch.setattr(terms, "STANDARD", {**terms.STANDARD, terms.Kind.RESEARCH: changed})
    with pytest.raises(IntegrityError), transaction.atomic():
        terms.standard(terms.Kind.RESEARCH)


def test_a_sellers_wording_gets_the_next_number_and_the_sites_own_stays_the_sites(buyer: Account) -> None:
    own = terms.Wording("Research", "For lessons only.", frozenset({"derive"}))
    numbers = [terms.settle(buyer, terms.Kind.RESEARCH, wording).number for wording in (own, own)]
    later = terms.settle(buyer, terms.Kind.RESEARCH, terms.Wording("Research", "For lessons.", frozenset()))
    assert [*numbers, later.number] == [1, 1, 2]
    same = terms.settle(buyer, terms.Kind.RESEARCH, terms.STANDARD[terms.Kind.RESEARCH].wording)
    assert same.account is None


def test_the_database_refuses_to_change_terms() -> None:
    row = terms.standard(terms.Kind.COMMERCIAL)
    with pytest.raises(DatabaseError), transaction.atomic():
        Terms.objects.filter(id=row.id).update(text="Otherwise.")
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


def test_an_offer_is_opened_once_and_not_at_two_prices(listing: Listing) -> None:
    kind = terms.standard(terms.Kind.COMMERCIAL)
    offer = offers.open_offer(listing, kind, price=100)
    assert offers.open_offer(listing, kind, price=100) == offer
    with pytest.raises(offers.SameOffer):
        offers.open_offer(listing, kind, price=200)
    offers.close_offer(offer)
    assert offers.open_offer(listing, kind, price=200) != offer


def test_a_licence_has_seats_end_and_later_versions_of_its_offer(listing: Listing, buyer: Account) -> None:
    offer = offers.open_offer(listing, terms.standard(terms.Kind.EVALUATION), seats=3, days=30, later_versions=False)
    licence = licensing.acquire(buyer, offer)
    assert (licence.seats, licence.later_versions) == (3, False)
    licence.refresh_from_db()
    assert licence.ends_at is not None
    assert abs(licence.ends_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)
    later = a_version(listing.dataset)
    assert not licensing.may_have(buyer, later)


def test_a_licence_that_is_over_gives_nothing_and_its_offer_is_not_had_again(listing: Listing, buyer: Account) -> None:
    offer = offers.open_offer(listing, terms.standard(terms.Kind.EVALUATION), days=30)
    licence = licensing.acquire(buyer, offer)
    assert licensing.may_have(buyer, licence.version)
    Licence.objects.filter(id=licence.id).update(ends_at=timezone.now() - timedelta(seconds=1))
    assert not licensing.may_have(buyer, licence.version)
    assert not licensing.held(buyer, listing.dataset).exists()
    with pytest.raises(licensing.NotOffered, match="30 days"):
        licensing.acquire(buyer, offer)


def test_without_later_versions_the_same_offer_gives_a_licence_to_each(listing: Listing, buyer: Account) -> None:
    offer = offers.open_offer(listing, terms.standard(terms.Kind.RESEARCH), later_versions=False)
    first = licensing.acquire(buyer, offer)
    assert licensing.acquire(buyer, offer) == first
    later = a_version(Dataset.objects.get(id=listing.dataset_id))
    second = licensing.acquire(buyer, offer)
    assert second.version == later
    assert licensing.may_have(buyer, first.version)
