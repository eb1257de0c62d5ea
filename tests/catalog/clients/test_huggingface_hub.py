"""Unmodified clients, each in a process of its own, load licensed data over HTTP from the site as it runs."""

from __future__ import annotations

import pytest

from tests.catalog.clients.conftest import Hub

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("clients")]


def test_huggingface_hub_tells_who_i_am_and_what_there_is(hub: Hub) -> None:
    told = hub.python(
        """
from huggingface_hub import HfApi
api = HfApi()
info = api.dataset_info("acme/payments", files_metadata=True)
told = {
    "who": api.whoami()["name"],
    "sha": info.sha,
    "gated": info.gated,
    "names": [one.rfilename for one in info.siblings],
    "sizes": all(one.size for one in info.siblings),
    "files": api.list_repo_files("acme/payments", repo_type="dataset"),
    "tree": [one.path for one in api.list_repo_tree("acme/payments", repo_type="dataset", recursive=True, expand=True)],
    "tags": [tag.name for tag in api.list_repo_refs("acme/payments", repo_type="dataset").tags],
    "some": [one.path for one in api.get_paths_info("acme/payments", ["data", "no"], repo_type="dataset", expand=True)],
}
""",
        token=hub.shelved.holder,
    )
    files = sorted(["README.md", *hub.shelved.files["acme/payments 1.1.0"]])
    assert told["who"] == "holder"
    assert told["sha"] == hub.shelved.commits["acme/payments 1.1.0"]
    assert told["gated"] == "auto"
    assert sorted(told["names"]) == sorted(told["files"]) == files
    assert told["sizes"]
    assert sorted(told["tree"]) == sorted([*files, "data"])
    assert told["tags"] == ["1.1.0", "1.0.0"]
    assert told["some"] == ["data"]


def test_huggingface_hub_downloads_files_and_whole_versions_with_the_right_digests(hub: Hub) -> None:
    told = hub.python(
        """
import hashlib, pathlib
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
digest = lambda path: hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
first = [one for one in HfApi().list_repo_files("acme/payments", repo_type="dataset") if one.endswith(".parquet")][0]
folder = pathlib.Path(snapshot_download("acme/payments", repo_type="dataset", revision="1.0.0"))
told = {
    "one": {first: digest(hf_hub_download("acme/payments", first, repo_type="dataset"))},
    "commit": folder.name,
    "all": {str(p.relative_to(folder)): digest(p) for p in folder.rglob("*.parquet")},
    "card": (folder / "README.md").read_text()[:4],
    "again": snapshot_download("acme/payments", repo_type="dataset", revision="1.0.0") == str(folder),
}
""",
        token=hub.shelved.holder,
    )
    assert told["one"].items() <= hub.shelved.files["acme/payments 1.1.0"].items()
    assert told["all"] == hub.shelved.files["acme/payments 1.0.0"]
    assert (told["commit"], told["card"], told["again"]) == (hub.shelved.commits["acme/payments 1.0.0"], "---\n", True)


def test_huggingface_hub_raises_its_own_errors(hub: Hub) -> None:
    told = hub.python(
        """
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
def error(call, *args, **more):
    try:
        call(*args, repo_type="dataset", **more)
    except HfHubHTTPError as raised:
        return [type(raised).__name__, str(raised)]
files = sorted(one for one in HfApi().list_repo_files("acme/payments", repo_type="dataset") if "train" in one)
told = {
    "gated": error(hf_hub_download, "acme/payments", files[-1]),
    "sample": error(hf_hub_download, "acme/payments", files[0]),
    "no file": error(hf_hub_download, "acme/payments", "data/nothing.parquet"),
    "no version": error(hf_hub_download, "acme/payments", files[0], revision="9.0.0"),
    "private": error(hf_hub_download, "acme/secret", "README.md"),
    "unknown": error(hf_hub_download, "acme/unknown", "README.md"),
}
""",
        token=hub.shelved.stranger,
    )
    assert told.pop("sample") is None
    kinds = {case: kind_and_words[0] for case, kind_and_words in told.items() if kind_and_words}
    assert kinds == {
        "gated": "GatedRepoError",
        "no file": "RemoteEntryNotFoundError",
        "no version": "RevisionNotFoundError",
        "private": "RepositoryNotFoundError",
        "unknown": "RepositoryNotFoundError",
    }
    assert f"{hub.address}/datasets/acme/payments" in told["gated"][1]
