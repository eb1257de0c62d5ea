"""A withdrawn version: nothing of it is handed out, its bytes are destroyed, its digests and a reason remain."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from catalog import attachments, difference, licensing, previews, publishing, withdrawing
from catalog.doctor import versions_are_compared, withdrawn_bytes_are_gone
from catalog.models import Attachment, Dataset, ShelfState, Version
from marketplace import storage
from marketplace.accounts.models import User
from marketplace.storage import references
from marketplace.work.models import Piece
from tests.catalog.test_difference import with_statistics
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account
from tests.workers import work_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

ADDRESS = "/datasets/seller/numbers"
REASON = "It tells of real people."


@pytest.fixture
def dataset() -> Dataset:
    dataset = a_dataset(an_account("seller"))
    a_listing(dataset)
    return dataset


def there(sha256: str) -> bool:
    return storage.stored(storage.blob_key(sha256)) is not None


def of_its_own(dataset: Dataset, **columns: Any) -> Version:
    """A version with files, statistics and a preview that no other one has."""
    version = with_statistics(a_version(dataset, columns=tuple(columns)), **columns)
    previews.make(version)
    return version


def withdraw(version: Version) -> None:
    withdrawing.withdraw(version, REASON)
    Piece.objects.filter(kind=withdrawing.DESTROY_AGAIN).update(due_at="2020-01-01T00:00Z")
    work_off()


def test_bytes_are_destroyed_and_digests_remain(dataset: Dataset) -> None:
    version = of_its_own(dataset, secret=range(20))
    files = list(version.files.values_list("sha256", flat=True))
    documents = list(version.attachments.values_list("sha256", flat=True))
    attachments.load(version.attachments.get(kind="statistics"))
    assert all(there(sha256) for sha256 in [*files, *documents])
    withdraw(version)
    assert not any(there(sha256) for sha256 in [*files, *documents])
    assert storage.stored(version.disclosure.key) is None
    assert not any(cache.get(f"attachment:{sha256}") for sha256 in documents)
    assert not references.among([*files, *documents])  # what another attempt stored meanwhile is collected
    assert list(version.files.values_list("sha256", flat=True)) == files
    assert there(version.digest)  # the manifest, which says what it was
    assert list(withdrawn_bytes_are_gone()) == []


def test_a_blob_that_another_version_holds_stays(dataset: Dataset) -> None:
    first = of_its_own(dataset, number=range(20))
    other = of_its_own(a_dataset(dataset.account, "others"), number=range(20))
    assert set(first.files.values_list("sha256")) == set(other.files.values_list("sha256"))
    withdraw(first)
    assert all(there(file.sha256) for file in other.files.all())
    assert all(there(document.sha256) for document in other.attachments.all())
    withdraw(other)
    assert not any(there(file.sha256) for file in other.files.all())


def test_nobody_is_handed_anything_from_that_moment_on(client: Client, dataset: Dataset) -> None:
    version = of_its_own(dataset, secret=range(20))
    publishing.put_on_shelf(dataset.listing)
    user, account = a_person()
    a_licence(account, version)
    client.force_login(user)
    sample = version.files.filter(sample=True)[0].path
    paths = [f"files/{sample}", "seed.json", "SHA256SUMS", "documents/statistics.json", "files", "statistics"]
    assert all(client.get(f"{ADDRESS}/versions/1.0.0/{path}").status_code in {200, 302} for path in paths)
    withdrawing.withdraw(version, REASON)
    for visitor in (client, Client()):
        assert {visitor.get(f"{ADDRESS}/versions/1.0.0/{path}").status_code for path in paths} == {404}
    assert not licensing.may_have(account, Version.objects.get(id=version.id))


def test_a_tombstone_stands_in_its_place(client: Client, dataset: Dataset) -> None:
    version = a_version(dataset)
    publishing.put_on_shelf(dataset.listing)
    withdraw(version)
    for address in (ADDRESS, f"{ADDRESS}/versions/1.0.0"):
        answer = client.get(address)
        page = answer.content.decode()
        assert answer.status_code == 410
        assert REASON in page and version.digest in page
        assert "files/" not in page.replace("Its files", "")
    a_version(dataset)
    assert client.get(ADDRESS).status_code == 200
    assert client.get(f"{ADDRESS}/versions/1.0.0").status_code == 410


def test_of_a_private_version_only_who_had_it_sees_the_tombstone(client: Client) -> None:
    user, account = a_person()
    dataset = a_dataset(an_account("seller"))
    version = a_version(dataset)
    a_licence(account, version)
    withdraw(version)
    assert Client().get(f"{ADDRESS}/versions/1.0.0").status_code == 404
    client.force_login(user)
    assert client.get(f"{ADDRESS}/versions/1.0.0").status_code == 410


def test_the_next_version_is_compared_anew_with_the_one_before(dataset: Dataset) -> None:
    versions = [of_its_own(dataset, number=range(n, n + 20)) for n in (0, 3, 6)]
    for version in versions:
        difference.make(version)
    withdraw(versions[1])
    found = difference.shown(versions[2])
    assert found is not None and found["against"]["number"] == "1.0.0"
    withdraw(versions[0])
    assert difference.shown(versions[2]) is None
    assert list(versions_are_compared()) == []


def test_documents_that_are_still_being_made_are_not_attached(dataset: Dataset) -> None:
    version = a_version(dataset)
    assert Piece.objects.unfinished().filter(kind=previews.PREVIEW, subject=version.id).exists()
    withdraw(version)
    assert not Piece.objects.unfinished().filter(subject=version.id).exists()
    assert not Attachment.objects.filter(version=version).exists()


def test_withdrawing_needs_a_reason_and_is_final(dataset: Dataset) -> None:
    version = a_version(dataset)
    with pytest.raises(ValueError, match="say why"):
        withdrawing.withdraw(version, " ")
    withdrawing.withdraw(version, REASON)
    with pytest.raises(ValueError, match="final"):
        withdrawing.withdraw(version, REASON)
    with pytest.raises(ValueError, match="final"):
        publishing.yank(version, REASON)


def test_the_doctor_finds_bytes_that_are_left_of_it(dataset: Dataset) -> None:
    version = a_version(dataset)
    ShelfState.objects.filter(version=version).update(state=ShelfState.State.WITHDRAWN)
    messages = [fault.message for fault in withdrawn_bytes_are_gone()]
    assert len(messages) == 3 and "its seed" in messages[0]


def test_staff_withdraw_on_a_page_that_asks_for_the_number_again(client: Client, dataset: Dataset) -> None:
    version = a_version(dataset)
    address = f"{ADDRESS}/versions/1.0.0/withdraw"
    publishing.put_on_shelf(dataset.listing)
    user, _ = a_person()
    for visitor in (Client(), client):
        assert visitor.get(address).status_code == visitor.post(address).status_code == 404
        client.force_login(user)
    client.force_login(User.objects.create_superuser("boss@example.com"))
    assert client.get(address).status_code == 200
    wrong = client.post(address, {"reason": "", "number": "1.0"})
    assert wrong.status_code == 422
    assert "This version is 1.0.0" in wrong.content.decode()
    assert client.post(address, {"reason": REASON, "number": "1.0.0"}).status_code == 302
    assert ShelfState.objects.get(version=version).reason == REASON
    assert client.get(address).status_code == 404
