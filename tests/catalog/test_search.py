"""Finding datasets: by words, misspelt ones too, by filters with their counts, sorted, page by page."""

from __future__ import annotations

import pytest

from catalog import doctor, offers, publishing, terms
from catalog.models import Dataset, Listing, SearchCell, SearchCount, SearchEntry
from catalog.search import entries
from marketplace.accounts.models import Account
from tests.factories import a_dataset, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def a_shelf(
    account: Account,
    name: str,
    *,
    title: str = "",
    summary: str = "Some numbers.",
    card: str = "",
    modality: str = "tabular",
    domain: str = "other",
    price: int | None = 0,
    columns: tuple[str, ...] = ("number",),
) -> Listing:
    """A dataset with one version, on the shelf."""
    dataset = Dataset.objects.create(account=account, name=name, title=title or name.replace("-", " ").capitalize())
    listing = Listing.objects.create(dataset=dataset, summary=summary, card=card, modality=modality, domain=domain)
    if price is not None:
        offers.open_offer(listing, terms.standard(terms.Kind.RESEARCH), price=price)
    a_version(dataset, columns=columns)
    publishing.put_on_shelf(listing)
    return listing


def counts() -> dict[str, int]:
    return {row.word: row.listings for row in SearchCount.objects.filter(listings__gt=0)}


def test_what_is_public_has_an_entry_and_is_counted_and_what_is_not_has_none() -> None:
    seller = an_account("seller")
    listing = a_shelf(seller, "numbers", domain="finance")
    a_version(a_dataset(seller, "private"))
    Listing.objects.create(dataset=a_dataset(seller, "draft"), summary="", modality="tabular")
    assert list(SearchEntry.objects.values_list("listing", flat=True)) == [listing.id]
    kept = {
        "modality:tabular": 1,
        "domain:finance": 1,
        "licence:research": 1,
        "price:free": 1,
        "rows:to-10k": 1,
        "unit:row": 1,
        "seller:seller": 1,
        "generator:house/numbers": 1,
    }
    assert counts() == kept
    entries.refresh(listing)
    entries.recount()
    assert counts() == kept
    publishing.close(listing)
    assert not SearchEntry.objects.exists()
    assert not counts()
    assert not SearchCell.objects.filter(listings__gt=0).exists()


def test_a_listing_whose_versions_are_all_yanked_is_not_found_until_there_is_a_new_one() -> None:
    listing = a_shelf(an_account("seller"), "numbers")
    publishing.yank(listing.dataset.versions.get(), "A column is mislabelled.")
    assert not SearchEntry.objects.exists()
    a_version(listing.dataset, columns=("other",))
    assert SearchEntry.objects.get().columns == ["other"]


def test_the_sweep_finds_what_a_verb_did_not_tell_and_the_doctor_names_it() -> None:
    listing = a_shelf(an_account("seller"), "numbers")
    assert not list(doctor.search_finds_what_is_public())
    SearchEntry.objects.all().delete()
    assert next(fault.subject for fault in doctor.search_finds_what_is_public()) == f"listing {listing.id}"
    entries.sweep()
    entries.recount()
    assert not list(doctor.search_finds_what_is_public())
    Listing.objects.filter(id=listing.id).update(state=Listing.State.CLOSED)
    assert [fault.subject for fault in doctor.search_finds_what_is_public()] == [f"listing {listing.id}"]
