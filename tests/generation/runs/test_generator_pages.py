"""The page of a generator: any of its versions for ever, and what is on the shelves of what it made."""

from __future__ import annotations

import re

import pytest
from django.db.models.functions import Now
from django.test import Client

from catalog import publishing
from catalog.models import Version
from generation.runs.models import GeneratorVersion, Run
from tests.factories import a_dataset, a_listing, a_version
from tests.generation.made import a_run, the_dice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

ADDRESS = "/generators/house/dice"


def released_anew(version: GeneratorVersion, number: int) -> GeneratorVersion:
    return GeneratorVersion.objects.create(
        generator=version.generator,
        number=f"2.{number}.0",
        digest=f"{number:064x}",
        reference=version.reference,
        description=version.description | {"title": f"Throws, release {number}"},
    )


def published(generator: GeneratorVersion, name: str) -> Version:
    dataset = a_dataset(generator.generator.account, name)
    run = a_run(generator, dataset)
    Run.objects.filter(id=run.id).update(state=Run.State.READY, ended_at=Now())
    a_version(dataset, run=run.id)
    version = Version.objects.get(run=run.id)
    if not hasattr(dataset, "listing"):
        publishing.put_on_shelf(a_listing(dataset).listing)
    return version


def test_the_address_that_provenance_signs_leads_to_its_version_after_many_more(client: Client) -> None:
    first = the_dice()
    for number in range(25):
        released_anew(first, number)
    assert "Throws, release 24" in client.get(ADDRESS).content.decode()
    page = client.get(f"{ADDRESS}/{first.number}")
    assert page.status_code == 200
    assert first.title in page.content.decode() and "release 24" not in page.content.decode().partition("<h2")[0]
    assert client.get(f"{ADDRESS}/9.9.9").status_code == 404


def test_the_versions_of_a_generator_are_linked(client: Client) -> None:
    first = the_dice()
    assert f'href="{ADDRESS}/{first.number}"' in client.get(ADDRESS).content.decode()


def test_what_was_published_with_it_is_on_the_shelves_newest_first(client: Client) -> None:
    dice = the_dice()
    versions = [published(dice, name) for name in ("oldest", "yanked", "newest", "closed")]
    publishing.yank(versions[1], "A column is mislabelled.")
    publishing.close(versions[3].dataset.listing)
    page = client.get(ADDRESS).content.decode()
    assert re.findall(r"/datasets/house/([a-z]+)/versions/", page) == ["newest", "oldest"]
