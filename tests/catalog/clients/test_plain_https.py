"""The same addresses for whoever speaks plain HTTP with a token: pandas, polars, DuckDB and curl."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client

from catalog.models import Delivery, Version
from marketplace.accounts.models import User
from tests.catalog.clients.conftest import Hub
from tests.catalog.clients.cutting import cutting

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("clients")]

PAYMENTS = "acme/payments 1.1.0"
CURL = shutil.which("curl") or ""


class _Blocks(HTMLParser):
    """The text of each element that has an id, by its id."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, str] = {}
        self._inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "pre":
            self._inside = dict(attributes).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.blocks[self._inside] = self.blocks.get(self._inside, "") + data


def shown_lines(hub: Hub, dataset: str, reader: str = "") -> dict[str, str]:
    """The lines on the page "Load it", as somebody copies them; ``reader`` is the slug of who looks, if anybody."""
    client = Client(headers={"Host": "127.0.0.1"})
    if reader:
        client.force_login(User.objects.get(email=f"{reader}@example.com"))
    answer = client.get(f"/datasets/{dataset}/load")
    assert answer.status_code == 200
    parser = _Blocks()
    parser.feed(answer.content.decode())
    return {
        name.removeprefix("load-"): text.replace("http://localhost:8000", hub.address)
        for name, text in parser.blocks.items()
        if name.startswith("load-")
    }


def run_shown(hub: Hub, lines: dict[str, str], name: str, token: str) -> str:
    """Run the settings and one of the blocks in a shell, the token put in its place."""
    settings = lines["setup"].replace("lk_…", token)
    if name == "curl":
        script = lines["curl"]
    else:
        told = "len(rows)"
        script = f"{sys.executable} - <<'LINES'\n{lines[name]}\nprint('rows', {told})\nLINES\n"
    return hub.run(["/bin/sh", "-ec", f"{settings}\n{script}"], cache=f"shown-{name}-{len(token)}")


@pytest.mark.parametrize("name", ["datasets", "pandas", "polars", "duckdb", "curl"])
def test_the_lines_on_the_page_load_what_they_say(hub: Hub, name: str) -> None:
    version = Version.objects.get(digest__startswith=hub.shelved.commits[PAYMENTS])
    train = hub.shelved.rows[PAYMENTS]["train"]
    sample = version.files.filter(split="train", sample=True).get()
    for reader, token, rows in (("holder", hub.shelved.holder, train), ("", "", sample.rows)):
        said = run_shown(hub, shown_lines(hub, "acme/payments", reader), name, token)
        if name == "curl":
            folder = hub.folder / f"home-shown-curl-{len(token)}"
            found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.parquet")}
            wanted = version.files.filter(split="train", **({} if reader else {"sample": True}))
            assert found == {path.rpartition("/")[2]: sha for path, sha in wanted.values_list("path", "sha256")}
        else:
            assert f"rows {rows}" in said


@pytest.mark.skipif(not CURL, reason="there is no curl on this machine")
def test_curl_that_is_broken_off_twenty_times_ends_with_the_right_digest(hub: Hub, tmp_path: Path) -> None:
    version = Version.objects.get(digest__startswith=hub.shelved.commits[PAYMENTS])
    file = version.files.order_by("-bytes").first()
    assert file is not None
    before = Delivery.objects.filter(version=version, path=file.path).count()
    address = f"{hub.address}/datasets/acme/payments/resolve/1.1.0/{file.path}"
    target = tmp_path / "file.parquet"
    with cutting(spared=hub.address, most=-(-file.bytes // 21)) as cutter:
        command = [CURL, "-sS", "-L", "-C", "-", "-o", str(target), "-x", cutter.address, "--noproxy", ""]
        command += ["-H", f"Authorization: Bearer {hub.shelved.holder}", address]
        statuses = [subprocess.run(command, check=False, timeout=240).returncode for _ in range(21)]
    assert cutter.cuts == 20
    assert statuses == [18] * 20 + [0], "18 is curl's word for a file that came in part"
    assert hashlib.sha256(target.read_bytes()).hexdigest() == file.sha256
    assert len(cutter.links) == 21, "each time it asked our address for a new link"
    assert Delivery.objects.filter(version=version, path=file.path).count() == before + 21
    assert all(hub.shelved.holder not in link for link in cutter.links)


def test_mlcroissant_iterates_the_free_sample(hub: Hub) -> None:
    told = hub.python(
        f"""
import mlcroissant
found = {{}}
sets = {{"payments": "default-sample", "reports": "measurements-sample", "defects": "default-sample"}}
for name, records in sets.items():
    dataset = mlcroissant.Dataset("{hub.address}/datasets/acme/" + name + "/versions/1.0.0/croissant.json")
    rows = list(dataset.records(records))
    found[name] = [len(rows), sorted(rows[0]), type(rows[0].get(records + "/image")).__name__]
told = found
"""
    )
    sample = Version.objects.get(digest__startswith=hub.shelved.commits["acme/payments 1.0.0"]).files.get(
        split="train", sample=True
    )
    assert told["payments"][0] == sample.rows
    assert "default-sample/is_fraud" in told["payments"][1]
    assert "measurements-sample/within_tolerance" in told["reports"][1]
    assert told["defects"][2] == "JpegImageFile"
    assert "default-sample/objects" in told["defects"][1]
