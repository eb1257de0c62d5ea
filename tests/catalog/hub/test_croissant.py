"""A version described for programs: Croissant that its own library reads, and how to cite it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from django.test import Client

from catalog import publishing
from catalog.models import Dataset, Listing, Version
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

BASE = "/datasets/seller/numbers/versions/1.0.0"


@pytest.fixture
def version() -> Version:
    dataset = a_dataset(an_account("seller"))
    made = a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    return made


def croissant(client: Client) -> dict[str, Any]:
    answer = client.get(f"{BASE}/croissant.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/ld+json")
    told: dict[str, Any] = json.loads(answer.content)
    return told


def test_mlcroissant_finds_no_fault(client: Client, version: Version, tmp_path: Path) -> None:
    told = croissant(client)
    (tmp_path / "croissant.json").write_text(json.dumps(told))
    read = mlcroissant.Dataset(jsonld=tmp_path / "croissant.json")
    issues = read.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    files = {file["@id"]: file["sha256"] for file in told["distribution"] if file["@type"] == "cr:FileObject"}
    sample = version.files.get(sample=True)
    assert files.pop("default-sample-file") == sample.sha256
    assert files == dict(version.files.values_list("path", "sha256"))
    assert all(version.commit in file["contentUrl"] for file in told["distribution"] if "contentUrl" in file)
    assert told["citeAs"] == client.get(f"{BASE}/citation.bib").content.decode()


def test_a_citation_names_number_and_digest_and_any_title(client: Client, version: Version) -> None:
    Dataset.objects.update(title='50 % & {braces} é 🎲 "x"')
    told = yaml.safe_load(client.get(f"{BASE}/CITATION.cff").content)
    assert told["title"] == '50 % & {braces} é 🎲 "x"'
    assert (told["version"], told["commit"]) == ("1.0.0", version.commit)
    entry = client.get(f"{BASE}/citation.bib").content.decode()
    assert r"50 \% \& \{braces\} é" in entry
    assert version.digest in entry and f"{BASE}" in entry
    assert entry.count("{") - entry.count(r"\{") == entry.count("}") - entry.count(r"\}")


def test_the_page_of_a_listing_tells_search_engines_what_it_is(client: Client, version: Version) -> None:
    Listing.objects.update(card="</script><script>alert(1)</script> & more")
    page = client.get("/datasets/seller/numbers").content.decode()
    held = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    told = json.loads(held[0])
    assert len(held) == 1
    assert (told["@type"], told["version"], told["isAccessibleForFree"]) == ("Dataset", "1.0.0", True)
    assert told["description"].endswith("</script><script>alert(1)</script> & more")
    assert told["offers"][0]["price"] == "0.00"
    assert told["distribution"][0]["sha256"] == version.files.get(sample=True).sha256


def test_what_is_not_listed_is_not_told_to_search_engines(client: Client) -> None:
    user, account = a_person()
    a_version(a_dataset(account))
    client.force_login(user)
    page = client.get("/datasets/ann/numbers").content.decode()
    assert "<script type" not in page


def test_whoever_has_a_licence_is_told_its_terms(client: Client, version: Version) -> None:
    offered = croissant(client)["license"]
    user, account = a_person()
    terms = a_licence(account, version).terms_id
    client.force_login(user)
    assert croissant(client)["license"] == [f"http://localhost:8000/terms/{terms}"] != offered
