"""The calls of the hub protocol, and who gets what by them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from catalog import publishing
from catalog.hub import views
from catalog.models import Dataset, Delivery, Listing, Readme, ShelfState, Version
from marketplace.accounts import tokens
from marketplace.accounts.models import Account, Scope
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

API = "/api/datasets/seller/numbers"
RESOLVE = "/datasets/seller/numbers/resolve"
SAMPLE = "data/train-00000-of-00002.parquet"
REST = "data/train-00001-of-00002.parquet"


@pytest.fixture
def dataset() -> Dataset:
    return a_dataset(an_account("seller"))


def a_token(slug: str = "ann", *scopes: str) -> tuple[Account, str]:
    """An account and the secret of a token of it."""
    user, account = a_person(slug)
    return account, tokens.issue(account, created_by=user, name="laptop", scopes=scopes or ["read"]).secret


def with_token(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def licensed(version: Version, slug: str = "ann", *, later_versions: bool = False) -> Client:
    """A program whose account has a licence to ``version``."""
    account, secret = a_token(slug)
    a_licence(account, version, later_versions=later_versions)
    return with_token(secret)


def on_shelf(dataset: Dataset) -> Version:
    version = a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    return version


def said(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def refusal(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("X-Error-Code", "")


def test_the_owner_of_a_token_is_told() -> None:
    _, secret = a_token()
    told = said(with_token(secret).get("/api/whoami-v2"))
    assert (told["type"], told["name"], told["auth"]["accessToken"]["displayName"]) == ("user", "ann", "laptop")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer lk_unknown"}, {"Authorization": "Digest x"}])
def test_without_a_token_in_force_nobody_is_named(headers: dict[str, str]) -> None:
    answer = Client(headers=headers).get("/api/whoami-v2")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_token_is_said_to_be_wrong_even_where_none_is_needed(dataset: Dataset) -> None:
    on_shelf(dataset)
    answer = with_token("lk_unknown").get(API)
    assert answer.status_code == 401
    assert answer["X-Error-Message"] == "Invalid credentials in Authorization header"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", ""])
def test_a_token_that_is_left_out_is_no_wrong_token(dataset: Dataset, header: str) -> None:
    on_shelf(dataset)
    assert Client(headers={"Authorization": header}).get(f"{RESOLVE}/main/{SAMPLE}").status_code == 302


def test_a_token_that_may_not_read_data_reads_none(dataset: Dataset) -> None:
    version = on_shelf(dataset)
    account, secret = a_token("ann", Scope.ORDER)
    a_licence(account, version)
    assert with_token(secret).get(f"{RESOLVE}/main/{REST}").status_code == 403
    assert not Delivery.objects.exists()


def test_the_token_is_taken_as_the_password_of_basic_too(dataset: Dataset) -> None:
    version = on_shelf(dataset)
    account, secret = a_token()
    a_licence(account, version)
    basic = base64.b64encode(f"anything:{secret}".encode()).decode()
    assert Client(headers={"Authorization": f"Basic {basic}"}).get(f"{RESOLVE}/main/{REST}").status_code == 302
    for wrong in ("%%%", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"no colon").decode()):
        assert Client(headers={"Authorization": f"Basic {wrong}"}).get(f"{RESOLVE}/main/{REST}").status_code == 401


@pytest.mark.parametrize(
    "asked", ["a%0Ab", "a%0Db", "a%C2%85b", "a%1Bb", "a%7Fb", pytest.param("é" * 3_000, id="long")]
)
def test_what_stands_in_an_address_breaks_no_header(client: Client, dataset: Dataset, asked: str) -> None:
    on_shelf(dataset)
    for address in (f"{API}/revision/{asked}", f"{API}/tree/{asked}"):
        answer = client.get(address)
        assert refusal(answer) == (404, "RevisionNotFound")
        told = answer["X-Error-Message"]
        assert told.isascii() and told.isprintable() and len(told) <= 1_000
    for address in (f"{API}/tree/main/{asked}", f"{RESOLVE}/main/{asked}", f"{RESOLVE}/{asked}/README.md"):
        assert client.get(address).status_code == 404


def test_a_version_has_the_same_commit_everywhere(client: Client, dataset: Dataset) -> None:
    version = on_shelf(dataset)
    told = said(client.get(API))
    assert told["sha"] == version.commit == version.digest[:40]
    for revision in ("main", "1.0.0", version.commit):
        assert client.head(f"{RESOLVE}/{revision}/README.md")["X-Repo-Commit"] == version.commit
        assert said(client.get(f"{API}/revision/{revision}"))["sha"] == version.commit
    assert client.head(f"{RESOLVE}/main/nothing.txt")["X-Repo-Commit"] == version.commit
    assert (told["id"], told["author"], told["private"], told["gated"]) == ("seller/numbers", "seller", False, "auto")
    assert [sibling["rfilename"] for sibling in told["siblings"]] == ["README.md", SAMPLE, REST]


def test_main_is_the_newest_version_on_the_shelf(client: Client, dataset: Dataset) -> None:
    first = on_shelf(dataset)
    second = a_version(dataset)
    assert said(client.get(API))["sha"] == second.commit
    refs = said(client.get(f"{API}/refs"))
    assert [tag["name"] for tag in refs["tags"]] == ["1.1.0", "1.0.0"]
    publishing.yank(second, "A column is mislabelled.")
    assert said(client.get(API))["sha"] == first.commit
    assert refusal(client.get(f"{API}/revision/1.1.0")) == (404, "RevisionNotFound")


def test_the_tree_lists_files_with_their_digests_and_folders(client: Client, dataset: Dataset) -> None:
    version = on_shelf(dataset)
    root = said(client.get(f"{API}/tree/main"))
    assert [(entry["type"], entry["path"]) for entry in root] == [("file", "README.md"), ("directory", "data")]
    files = said(client.get(f"{API}/tree/main/data?recursive=True&expand=True"))
    assert {entry["path"]: entry["lfs"]["oid"] for entry in files} == dict(version.files.values_list("path", "sha256"))
    assert files[0]["lastCommit"]["id"] == version.commit
    whole = said(client.get(f"{API}/tree/main?recursive=1"))
    assert [entry["path"] for entry in whole] == ["README.md", "data", SAMPLE, REST]
    assert refusal(client.get(f"{API}/tree/main/nothing")) == (404, "EntryNotFound")


def test_a_long_tree_comes_in_pages_of_one_version(
    client: Client, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(views, "_PAGE", 2)
    on_shelf(dataset)
    pages = list(pages_of(client, f"{API}/tree/main?recursive=true", settings.PUBLIC_URL))
    assert [[entry["path"] for entry in page] for page in pages] == [["README.md", "data"], [SAMPLE, REST]]


def pages_of(client: Client, address: str, site: str) -> Iterator[Any]:
    while address:
        answer = client.get(address)
        yield said(answer)
        link = re.fullmatch(r'<(.*)>; rel="next"', answer.headers.get("Link", ""))
        address = link[1].removeprefix(site) if link else ""
        a_version(Dataset.objects.get())


def test_paths_are_described_and_those_that_are_not_there_are_left_out(client: Client, dataset: Dataset) -> None:
    version = on_shelf(dataset)
    answer = Client(enforce_csrf_checks=True).post(f"{API}/paths-info/main", {"paths": ["data", "nothing", REST]})
    assert [(entry["type"], entry["path"]) for entry in said(answer)] == [("directory", "data"), ("file", REST)]
    assert said(answer)[1]["size"] == version.files.get(path=REST).bytes
    refused = client.get(f"{API}/paths-info/main")
    assert (refused.status_code, refused["Allow"]) == (405, "POST")
    assert refused.json()["error"] == refused["X-Error-Message"] == "This call does not take this method; use POST."


def test_a_licence_holder_is_led_to_the_store_and_the_link_is_recorded(dataset: Dataset) -> None:
    version = on_shelf(dataset)
    program = licensed(version)
    file = version.files.get(path=REST)
    head = program.head(f"{RESOLVE}/main/{REST}")
    assert (head.status_code, head["Content-Length"], head["X-Linked-Size"]) == (200, str(file.bytes), str(file.bytes))
    assert (head["X-Linked-ETag"], head["Accept-Ranges"]) == (f'"{file.sha256}"', "bytes")
    assert not Delivery.objects.exists(), "nothing was handed out yet"
    led = program.get(f"{RESOLVE}/main/{REST}")
    assert led.status_code == 302
    assert "X-Amz-Signature" in led["Location"]
    assert led["ETag"] == f'"{file.sha256}"'
    assert "no-store" in led["Cache-Control"]
    assert [(one.path, one.version) for one in Delivery.objects.all()] == [(REST, version)]


def test_a_link_that_ended_is_renewed_and_the_download_goes_on(dataset: Dataset, settings: Settings) -> None:
    version = on_shelf(dataset)
    program, file = licensed(version), version.files.get(path=REST)
    settings.DOWNLOAD_LINK_SECONDS = 1
    ended = program.get(f"{RESOLVE}/main/{REST}")["Location"]
    settings.DOWNLOAD_LINK_SECONDS = 300
    first = fetched(program.get(f"{RESOLVE}/main/{REST}")["Location"], {"Range": "bytes=0-99"})
    time.sleep(1.1)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetched(ended, {"Range": "bytes=100-"})
    again = program.get(f"{RESOLVE}/main/{REST}", headers={"Range": "bytes=100-"})["Location"]
    rest = fetched(again, {"Range": "bytes=100-", "If-Range": first.headers["ETag"]})
    assert (first.status, rest.status) == (206, 206)
    assert hashlib.sha256(first.read() + rest.read()).hexdigest() == file.sha256


def fetched(address: str, headers: dict[str, str]) -> Any:
    """The answer of the object store."""
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=240)


def test_who_has_the_bytes_already_gets_no_link(dataset: Dataset) -> None:
    version = on_shelf(dataset)
    etag = f'"{version.files.get(path=REST).sha256}"'
    answer = licensed(version).get(f"{RESOLVE}/main/{REST}", headers={"If-None-Match": etag})
    assert (answer.status_code, answer["ETag"]) == (304, etag)
    assert not Delivery.objects.exists()


def test_a_missing_licence_is_refused_with_the_address_where_to_get_one(dataset: Dataset, settings: Settings) -> None:
    on_shelf(dataset)
    _, secret = a_token()
    for program in (Client(), with_token(secret)):
        for ask in (program.head, program.get):
            answer = ask(f"{RESOLVE}/main/{REST}")
            assert refusal(answer) == (403, "GatedRepo")
            assert f"{settings.PUBLIC_URL}/datasets/seller/numbers" in answer["X-Error-Message"]
            assert "X-Linked-ETag" not in answer.headers
        assert program.get(f"{RESOLVE}/main/{SAMPLE}").status_code == 302
        assert program.get(f"{RESOLVE}/main/README.md").status_code == 200
    assert not Delivery.objects.exists(), "the free sample is anybody's"


PAGES = [
    "/datasets/seller/numbers",
    "/datasets/seller/numbers/load",
    "/datasets/seller/numbers/versions/1.0.0",
]
ADDRESSES = [
    "/datasets/seller/numbers/versions/1.0.0/croissant.json",
    "/datasets/seller/numbers/versions/1.0.0/CITATION.cff",
    API,
    f"{API}/refs",
    f"{API}/revision/main",
    f"{API}/revision/1.0.0",
    f"{API}/revision/COMMIT",
    f"{API}/tree/main",
    f"{API}/tree/1.0.0/data?recursive=true",
    f"{RESOLVE}/main/README.md",
    f"{RESOLVE}/main/{SAMPLE}",
    f"{RESOLVE}/1.0.0/{REST}",
    f"{RESOLVE}/COMMIT/{REST}",
    f"/datasets/seller/numbers/versions/1.0.0/files/{SAMPLE}",
    "/datasets/seller/numbers/versions/1.0.0/manifest.json",
    "/datasets/seller/numbers/versions/1.0.0/seed.json",
]


@pytest.mark.parametrize("address", [*PAGES, *ADDRESSES])
def test_a_private_dataset_answers_as_one_that_does_not_exist(dataset: Dataset, address: str) -> None:
    version = a_version(dataset)
    address = address.replace("COMMIT", version.commit)
    _, secret = a_token()
    user, _ = a_person("bob")
    person = Client()
    person.force_login(user)
    for reader in (Client(), with_token(secret), person):
        for ask in (reader.get,) if address in PAGES else (reader.get, reader.head):
            private, unknown = ask(address), ask(address.replace("/numbers", "/unknown"))
            assert private.status_code == unknown.status_code == 404
            assert _without_names(private) == _without_names(unknown)
    owner = tokens.issue(dataset.account, created_by=user, name="own", scopes=["read"]).secret
    if address not in PAGES:
        assert with_token(owner).get(address).status_code in {200, 302}


def _without_names(answer: HttpResponse) -> tuple[str, dict[str, str]]:
    """Body and headers without what the address itself tells, and what differs from request to request."""
    passing = {"X-Request-Id", "Content-Security-Policy", "Set-Cookie"}
    headers = {key: value.replace("unknown", "numbers") for key, value in answer.headers.items() if key not in passing}
    body = re.sub(r'(csrfmiddlewaretoken" value=|Request |request_id": )"?[A-Za-z0-9]+', "", answer.content.decode())
    headers.pop("Content-Length", None)
    return body.replace("unknown", "numbers"), headers


def test_a_version_made_for_an_order_is_nobodys_before_its_delivery(dataset: Dataset) -> None:
    a_version(dataset, licensed_to_owner=False)
    user, _ = a_person()
    secret = tokens.issue(dataset.account, created_by=user, name="own", scopes=["read"]).secret
    assert refusal(with_token(secret).get(API)) == (404, "RepoNotFound")


def test_a_yanked_version_stays_with_those_who_hold_it(client: Client, dataset: Dataset) -> None:
    version = on_shelf(dataset)
    program = licensed(version)
    publishing.yank(version, "A column is mislabelled.")
    assert refusal(client.get(API)) == (404, "RepoNotFound")
    assert refusal(client.get(f"{RESOLVE}/1.0.0/{SAMPLE}")) == (404, "RepoNotFound")
    told = said(program.get(API))
    assert (told["sha"], told["private"], told["gated"]) == (version.commit, True, False)
    assert program.get(f"{RESOLVE}/1.0.0/{REST}").status_code == 302


def test_a_withdrawn_version_is_gone_for_everybody(dataset: Dataset) -> None:
    version = on_shelf(dataset)
    program = licensed(version)
    ShelfState.objects.filter(version=version).update(state=ShelfState.State.WITHDRAWN)
    assert refusal(program.get(f"{RESOLVE}/{version.commit}/{REST}")) == (404, "RepoNotFound")
    a_version(dataset)
    assert refusal(program.get(f"{RESOLVE}/{version.commit}/{REST}")) == (404, "RevisionNotFound")


def test_a_licence_to_a_later_version_does_not_reach_back(dataset: Dataset) -> None:
    on_shelf(dataset)
    program = licensed(a_version(dataset))
    assert program.get(f"{RESOLVE}/1.1.0/{REST}").status_code == 302
    assert refusal(program.get(f"{RESOLVE}/1.0.0/{REST}")) == (403, "GatedRepo")
    assert program.get(f"{RESOLVE}/1.0.0/{SAMPLE}").status_code == 302


def test_the_files_of_the_page_are_read_with_a_token_too(client: Client, dataset: Dataset) -> None:
    version = on_shelf(dataset)
    address = f"/datasets/seller/numbers/versions/1.0.0/files/{REST}"
    program = licensed(version)
    assert program.get(address).status_code == 302
    head = program.head(address)
    assert (head.status_code, head["Content-Length"]) == (200, str(version.files.get(path=REST).bytes))
    assert Delivery.objects.count() == 1
    assert client.get(address).status_code == client.head(address).status_code == 403
    assert with_token("lk_wrong").get(address).status_code == 401


@pytest.mark.parametrize("revision", ["7.0.0", "1.0", "v1.0.0", "0" * 40, "refs%2Fconvert%2Fparquet", "9" * 400])
def test_a_revision_that_is_none_is_said_not_to_be_there(client: Client, dataset: Dataset, revision: str) -> None:
    on_shelf(dataset)
    assert refusal(client.get(f"{RESOLVE}/{revision}/README.md"))[0] == 404
    assert refusal(client.get(f"{API}/tree/{revision}")) == (404, "RevisionNotFound")


def test_files_that_clients_only_look_for_are_not_there(client: Client, dataset: Dataset) -> None:
    on_shelf(dataset)
    for name in ("numbers.py", ".huggingface.yaml", "dataset_infos.json", "data"):
        assert refusal(client.head(f"{RESOLVE}/main/{name}")) == (404, "EntryNotFound")
    for address in ("/api/datasets/numbers", "/api/datasets/a/b/c/d"):
        assert refusal(client.get(address)) == (404, "RepoNotFound")


def front_matter(client: Client, revision: str = "main") -> Any:
    text = client.get(f"{RESOLVE}/{revision}/README.md").content.decode()
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


def test_the_card_tells_programs_what_they_must_know(client: Client, dataset: Dataset) -> None:
    on_shelf(dataset)
    matter = front_matter(client)
    assert matter["license"] == "other"
    assert matter["pretty_name"] == "Numbers"
    assert matter["size_categories"] == ["n<1K"]
    assert matter["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "data/train-*.parquet"}],
            "default": True,
        }
    ]
    assert matter == said(client.get(API))["cardData"]


@pytest.mark.parametrize("title", ["--- : {x} 'a' \"b\"", "\x7f\x85\u2028\ufeff é 🎲 #"])
def test_any_title_is_text_in_the_card(client: Client, dataset: Dataset, title: str) -> None:
    Dataset.objects.filter(id=dataset.id).update(title=title)
    dataset.refresh_from_db()
    on_shelf(dataset)
    assert front_matter(client)["pretty_name"] == title == said(client.get(API))["cardData"]["pretty_name"]


def test_the_card_of_a_version_stays_as_it_was_when_it_was_published(client: Client, dataset: Dataset) -> None:
    on_shelf(dataset)
    Listing.objects.update(card="What was learnt since.")
    before = client.get(f"{RESOLVE}/1.0.0/README.md")
    a_version(dataset)
    assert "What was learnt since." not in before.content.decode()
    assert "What was learnt since." in client.get(f"{RESOLVE}/main/README.md").content.decode()
    again = client.get(f"{RESOLVE}/1.0.0/README.md")
    assert (again.content, again["ETag"]) == (before.content, before["ETag"])
    assert again["ETag"] == f'"{hashlib.sha256(again.content).hexdigest()}"'
    assert client.get(f"{RESOLVE}/1.0.0/README.md", headers={"If-None-Match": again["ETag"]}).status_code == 304


def test_a_first_version_has_the_card_that_its_listing_had_when_it_was_shelved(
    client: Client, dataset: Dataset
) -> None:
    a_version(dataset)
    offer = a_listing(dataset)
    Listing.objects.update(card="Written before it was shown.")
    offer.listing.refresh_from_db()
    publishing.put_on_shelf(offer.listing)
    assert "Written before it was shown." in client.get(f"{RESOLVE}/main/README.md").content.decode()


def test_the_database_refuses_to_change_a_card(dataset: Dataset) -> None:
    on_shelf(dataset)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Readme.objects.update(body="Other.")


def test_the_calls_take_as_many_queries_for_many_versions_as_for_one(
    client: Client, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    on_shelf(dataset)
    for _ in range(4):
        a_version(dataset)
    for address in (API, f"{API}/refs", f"{API}/tree/main?recursive=true", f"{RESOLVE}/main/{SAMPLE}"):
        with django_assert_max_num_queries(9):
            assert client.get(address).status_code in {200, 302}
