"""The first listing of an account is looked at by staff, with reasons and one appeal; later ones are not."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog import moderation, previews
from catalog.models import Dataset, Listing, Review
from marketplace.accounts.models import Account, User
from marketplace.mail.models import Message
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@example.com", "correct horse")


@pytest.fixture
def seller() -> Account:
    return a_person("ann")[1]


def a_draft(account: Account, name: str = "numbers") -> Listing:
    dataset = a_dataset(account, name)
    a_version(dataset)
    return a_listing(dataset).listing


def state(listing: Listing) -> str:
    return str(Listing.objects.get(id=listing.id).state)


def test_the_first_listing_waits_and_the_second_does_not(seller: Account, boss: User) -> None:
    first, second = a_draft(seller), a_draft(seller, "more")
    moderation.show(first)
    assert state(first) == "draft" and first.review.state == "requested"
    with pytest.raises(moderation.NotShown, match="Staff are looking"):
        moderation.show(first)
    moderation.approve(first.review, boss)
    assert state(first) == "on_shelf"
    moderation.show(second)
    assert state(second) == "on_shelf" and not hasattr(second, "review")


def test_a_second_listing_waits_too_while_the_first_is_not_approved(seller: Account, boss: User) -> None:
    first, second = a_draft(seller), a_draft(seller, "more")
    moderation.show(first)
    moderation.refuse(first.review, boss, "No card.")
    moderation.show(second)
    assert state(second) == "draft" and second.review.state == "requested"


@pytest.mark.parametrize(("slug", "demo"), [("house", False), ("shop", True)])
def test_the_house_and_the_demo_are_trusted(slug: str, demo: bool) -> None:
    account = an_account(slug)
    account.demo = demo
    account.save()
    listing = a_draft(account)
    moderation.show(listing)
    assert state(listing) == "on_shelf"


def test_a_refusal_has_reasons_and_may_be_appealed_once(seller: Account, boss: User) -> None:
    listing = a_draft(seller)
    moderation.show(listing)
    review = Review.objects.get()
    with pytest.raises(ValueError, match="say why"):
        moderation.refuse(review, boss, " ")
    with pytest.raises(moderation.ReviewMoved):
        moderation.appeal(review, "Look again.")
    moderation.refuse(review, boss, "No card.")
    with pytest.raises(ValueError, match="say what"):
        moderation.appeal(review, "")
    moderation.appeal(review, "There is one now.")
    with pytest.raises(moderation.ReviewMoved):
        moderation.appeal(review, "Again.")
    review = moderation.refuse(review, boss, "It says nothing.")
    assert (review.state, review.may_appeal) == ("refused", False)
    with pytest.raises(moderation.ReviewMoved, match="final"):
        moderation.appeal(review, "Again.")
    with pytest.raises(moderation.NotShown, match="final"):
        moderation.show(listing)
    with pytest.raises(moderation.ReviewMoved, match="refused already"):
        moderation.approve(review, boss)
    assert state(listing) == "draft"


def test_an_appeal_can_succeed(seller: Account, boss: User) -> None:
    listing = a_draft(seller)
    moderation.show(listing)
    review = Review.objects.get()
    moderation.refuse(review, boss, "No card.")
    moderation.appeal(review, "There is one now.")
    moderation.approve(review, boss)
    assert state(listing) == "on_shelf" and moderation.is_trusted(seller)


def test_the_seller_is_told_by_mail_in_text_and_html(seller: Account, boss: User) -> None:
    moderation.show(a_draft(seller))
    moderation.refuse(Review.objects.get(), boss, "No <card>.")
    message = Message.objects.get()
    assert message.to == "ann@example.com" and "not put on the shelf" in message.subject
    assert "No <card>." in message.text and "/datasets/ann/numbers" in message.text
    assert "No &lt;card&gt;." in message.html


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_a_title_of_several_lines_keeps_no_listing_from_a_decision(
    client: Client, seller: Account, boss: User, decision: str
) -> None:
    listing = a_draft(seller)
    Dataset.objects.update(title="Two\nlines\u2028and a half")
    moderation.show(listing)
    client.force_login(boss)
    answer = client.post(f"/moderation/{listing.review.id}", {"decision": decision, "reasons": "No card."})
    assert answer.status_code == 302
    assert Message.objects.get().subject.startswith("Two lines and a half ")


@pytest.mark.parametrize("missing", ["version", "offer"])
def test_what_has_no_version_or_no_offer_is_not_shown(seller: Account, missing: str) -> None:
    dataset = a_dataset(seller)
    if missing == "offer":
        a_version(dataset)
        listing = Listing.objects.create(dataset=dataset, summary="", modality="tabular")
    else:
        listing = a_listing(dataset).listing
    with pytest.raises(moderation.NotShown, match=f"(no {missing}|No licence)"):
        moderation.show(listing)
    assert not Review.objects.exists()


def test_a_dataset_that_was_ordered_cannot_be_listed(seller: Account) -> None:
    dataset = a_dataset(seller)
    a_licence(seller, a_version(dataset, licensed_to_owner=False))
    with pytest.raises(moderation.NotShown, match="made to order"):
        moderation.show(a_listing(dataset).listing)


def test_staff_see_the_queue_and_the_listing_as_buyers_would(client: Client, seller: Account, boss: User) -> None:
    listing = a_draft(seller)
    Listing.objects.filter(id=listing.id).update(card="For **teaching**.")
    previews.make(listing.dataset.versions.get())
    moderation.show(listing)
    review = Review.objects.get()
    client.force_login(boss)
    assert "Numbers" in client.get("/moderation").content.decode()
    page = client.get(f"/moderation/{review.id}").content.decode()
    assert "<strong>teaching</strong>" in page and "First rows of default" in page
    refused = client.post(f"/moderation/{review.id}", {"decision": "refuse", "reasons": ""})
    assert refused.status_code == 422 and "Say why" in refused.content.decode()
    assert client.post(f"/moderation/{review.id}", {"decision": "approve"}).status_code == 302
    assert state(listing) == "on_shelf"
    assert client.post(f"/moderation/{review.id}", {"decision": "approve"}, follow=True).status_code == 200
    assert "approved" in client.get("/moderation").content.decode()


def test_moderation_is_not_there_for_others(client: Client, seller: Account) -> None:
    moderation.show(a_draft(seller))
    review = Review.objects.get()
    addresses = ["/moderation", f"/moderation/{review.id}", f"/moderation/{review.id}/pictures/{'a' * 64}"]
    for address in addresses:
        assert client.get(address).status_code == 404
    client.force_login(a_person("bea")[0])
    for address in addresses:
        assert client.get(address).status_code == 404
    assert client.post(addresses[1], {"decision": "approve"}).status_code == 404
    assert Review.objects.get().state == "requested"
