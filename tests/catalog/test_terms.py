"""Licences say what they allow: terms have versions, an offer never changes, a licence ends when it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from catalog import licensing, offers, publishing, terms
from catalog.models import Dataset, Licence, Listing, Offer, Terms
from marketplace.accounts.models import Account, Membership, Role
from tests.factories import a_dataset, a_person, a_version, an_account

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
    answered = dict(first.answers)
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


@pytest.fixture
def seller(client: Client) -> Account:
    """A person who sells a dataset of two versions, signed in."""
    user, account = a_person("maker")
    dataset = a_dataset(account)
    found = Listing.objects.create(dataset=dataset, summary="Some numbers.", modality="tabular")
    a_version(dataset)
    publishing.put_on_shelf(found)
    client.force_login(user)
    return account


def test_a_seller_opens_and_closes_offers_on_the_sites_terms_and_on_their_own(client: Client, seller: Account) -> None:
    address = "/datasets/maker/numbers/offers"
    assert client.get(address).status_code == 200
    assert client.post(address, {"kind": "research", "later_versions": "on"}).status_code == 302
    own = {"kind": "commercial", "seats": "5", "days": "365", "text": "For five people.", "yes": ["derive"]}
    assert client.post(address, own).status_code == 302
    research, commercial = Offer.objects.open().order_by("created_at")
    assert research.terms == terms.standard(terms.Kind.RESEARCH)
    assert (commercial.terms.account, commercial.terms.derive, commercial.terms.train_models) == (seller, True, False)
    assert (commercial.seats, commercial.days, commercial.later_versions) == (5, 365, False)
    assert client.post(f"{address}/{research.id}/close").status_code == 302
    assert list(Offer.objects.open()) == [commercial]


def test_all_that_is_wrong_with_an_offer_is_told_at_once_and_nothing_is_opened(client: Client, seller: Account) -> None:
    wrong = {"kind": "everything", "seats": "0", "days": "9999999", "yes": ["derive"]}
    response = client.post("/datasets/maker/numbers/offers", wrong)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"kind", "seats", "days", "yes"}
    assert not Offer.objects.exists()


def test_nobody_else_sets_offers_and_a_member_without_the_role_is_told(client: Client, seller: Account) -> None:
    other, _ = a_person("other")
    client.force_login(other)
    assert client.get("/datasets/maker/numbers/offers").status_code == 404
    Membership.objects.create(account=seller, user=other, role=Role.MEMBER)
    client.post("/account/act-for", {"account": "maker"})
    assert client.get("/datasets/maker/numbers/offers").status_code == 403


def test_a_buyer_chooses_among_offers_and_finds_the_licence_in_full(client: Client, listing: Listing) -> None:
    research = offers.open_offer(listing, terms.standard(terms.Kind.RESEARCH))
    offers.open_offer(listing, terms.standard(terms.Kind.EVALUATION), days=30)
    user, account = a_person("buyer")
    client.force_login(user)
    page = client.get("/datasets/seller/numbers").content.decode()
    assert page.count('name="offer"') == 2
    assert "May it be used commercially?" in page
    address = "/datasets/seller/numbers/acquire"
    assert client.post(address, {"offer": "nonsense"}).status_code == 302
    assert client.post(address).status_code == 302
    assert not account.licences.exists()
    assert client.post(address, {"offer": str(research.id)}).status_code == 302
    licence = account.licences.get()
    shown = client.get(f"/licences/{licence.id}").content.decode()
    assert licence.terms.text in shown
    assert client.get(f"/terms/{licence.terms_id}").status_code == 200
    client.force_login(a_person("other")[0])
    assert client.get(f"/licences/{licence.id}").status_code == 404
