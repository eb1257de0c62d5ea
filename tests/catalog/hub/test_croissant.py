"""A version described for programs: Croissant that its own library reads, and how to cite it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from django.test import Client

from catalog import publishing
from catalog.models import Dataset, Version
from tests.factories import a_dataset, a_listing, a_version, an_account

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
