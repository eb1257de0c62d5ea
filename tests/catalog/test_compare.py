"""Datasets side by side, and datasets like another."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog import offers, publishing, terms
from catalog.models import Dataset
from catalog.related import related
from tests.factories import a_dataset, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def on_shelf(dataset: Dataset, *, price: int = 0, columns: tuple[str, ...] = ("number",)) -> Dataset:
    a_version(dataset, columns=columns)
    publishing.put_on_shelf(a_listing(dataset, price=price).listing)
    return dataset


def line(page: str, name: str) -> list[str]:
    """The cells beside ``name``."""
    row = re.search(rf'<th scope="row"[^>]*>{re.escape(name)}</th>(.*?)</tr>', page, re.DOTALL)
    assert row is not None, name
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row[1], re.DOTALL)]


def test_two_datasets_are_shown_side_by_side_from_their_data(client: Client) -> None:
    seller = an_account("seller")
    on_shelf(a_dataset(seller, "left"), columns=("amount", "day"))
    right = on_shelf(a_dataset(seller, "right"), price=9_000, columns=("amount",))
    offers.open_offer(right.listing, terms.standard(terms.Kind.RESEARCH), price=0)
    page = client.get("/compare?dataset=seller/left&dataset=seller/right").content.decode()
    assert line(page, "Rows") == ["20", "20"]
    assert line(page, "Columns") == ["2", "1"]
    assert line(page, "Generator") == ["house/numbers 1.0.0", "house/numbers 1.0.0"]
    assert line(page, "Price") == ["free", "free"]
    assert line(page, "Research") == ["not offered", "free"]
    assert line(page, "May it be used commercially?") == ["yes", "yes with Commercial use"]
    assert line(page, "Statistics of all rows") == ["not measured", "not measured"]
    assert line(page, "amount") == ["int64", "int64"]
    assert line(page, "day") == ["int64", "–not there"]
    assert page.index(">amount</th>") < page.index(">day</th>")
    assert 'href="?dataset=seller%2Fright"' in page


def test_one_dataset_is_shown_with_those_to_put_beside_it_and_none_with_the_way_to_the_shelves(client: Client) -> None:
    seller = an_account("seller")
    for name in ("left", "right"):
        on_shelf(a_dataset(seller, name))
    page = client.get("/compare?dataset=seller/left").content.decode()
    assert 'href="?dataset=seller%2Fleft&amp;dataset=seller%2Fright"' in page
    assert "Nothing is chosen yet" in client.get("/compare").content.decode()


def test_more_than_three_do_not_fit(client: Client) -> None:
    answer = client.get("/compare?" + "&".join(f"dataset=seller/n{n}" for n in range(4)))
    assert answer.status_code == 400
    assert "Choose two or three" in answer.content.decode()


@pytest.mark.parametrize("name", ["owner/hidden", "owner/nothing", "owner", "%00/x", ""])
def test_what_may_not_be_seen_is_not_there_to_compare(client: Client, name: str) -> None:
    a_version(a_dataset(an_account("owner"), "hidden"))
    assert client.get(f"/compare?dataset={name}").status_code == 404


def test_the_owner_compares_what_is_private(client: Client) -> None:
    user, account = a_person()
    a_version(a_dataset(account, "mine"))
    client.force_login(user)
    assert line(client.get("/compare?dataset=ann/mine").content.decode(), "Kind") == ["not listed"]


def test_related_datasets_are_public_and_those_with_columns_in_common_come_first(client: Client) -> None:
    seller = an_account("seller")
    own = on_shelf(a_dataset(seller, "own"), columns=("amount", "day", "town"))
    on_shelf(a_dataset(seller, "near"), columns=("amount", "day"))
    on_shelf(a_dataset(seller, "far"), columns=("pulse",))
    publishing.close(on_shelf(a_dataset(seller, "closed"), columns=("amount",)).listing)
    a_version(a_dataset(seller, "private"), columns=("amount",))
    like = related(own.listing)
    assert [(each.listing.dataset.name, each.like) for each in like] == [
        ("near", "2 columns in common: amount, day"),
        ("far", "Same generator"),
    ]
    page = client.get("/datasets/seller/own").content.decode()
    assert "/compare?dataset=seller/own&amp;dataset=seller/near&amp;dataset=seller/far" in page


def test_related_datasets_take_as_many_queries_for_many_as_for_few(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    seller = an_account("seller")
    own, *_ = [on_shelf(a_dataset(seller, f"numbers-{n}")) for n in range(7)]
    with django_assert_max_num_queries(8):
        assert len(related(own.listing)) == 4
