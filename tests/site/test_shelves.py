"""A shelf as a browser sees it: announced with its progress, then the finished row, or none."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from catalog import publishing
from catalog.models import Listing
from generation.runs.models import Run
from marketplace.site.shelves import Shelf, announce
from tests.generation.made import a_run, the_dice, work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def announced() -> Listing:
    dice = the_dice()
    shelf = Shelf("house", "throws", "Throws", "Dice.", "Thrown.", "dice", units=500)
    return announce(dice.generator.account, dice, shelf)


def progress(client: Client, run: object) -> Any:
    return client.get(f"/runs/{run}/progress")


def test_an_announced_listing_shows_how_far_its_run_is(client: Client) -> None:
    listing = announced()
    shelves = client.get("/").content.decode()
    assert "Throws" in shelves and f'hx-get="/runs/{listing.making}/progress"' in shelves
    fragment = progress(client, listing.making)
    assert fragment.status_code == 200 and "HX-Refresh" not in fragment
    assert b"<progress" in fragment.content


def test_the_page_waits_for_the_row_and_not_only_for_the_run(client: Client) -> None:
    listing = announced()
    Run.objects.filter(id=listing.making).update(state=Run.State.READY, ended_at=Now())
    assert "HX-Refresh" not in progress(client, listing.making)


def test_the_page_is_looked_at_again_once_the_row_is_there(client: Client) -> None:
    listing = announced()
    work_off()
    assert progress(client, listing.making)["HX-Refresh"] == "true"
    assert "500 rows" in client.get("/").content.decode()


def test_the_page_is_looked_at_again_when_nothing_came_of_it(client: Client) -> None:
    listing = announced()
    Run.objects.filter(id=listing.making).update(parameters={"sides": 5000})
    work_off()
    assert Run.objects.get(id=listing.making).state == "failed"
    assert progress(client, listing.making)["HX-Refresh"] == "true"
    assert "Throws" not in client.get("/").content.decode()


def test_only_the_run_that_an_announced_listing_is_made_by_is_shown(client: Client) -> None:
    listing = announced()
    other = a_run(listing.dataset.account.generators.get().versions.get(), listing.dataset)
    assert progress(client, other.id).status_code == 404
    publishing.close(listing)
    assert progress(client, other.id).status_code == 404


def test_a_run_without_a_listing_is_nobody_elses_business(client: Client) -> None:
    assert progress(client, a_run(the_dice()).id).status_code == 404
