"""What an upload may take of the disk while it arrives: nothing from a stranger, the limit and no more from anybody."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from generation.runs.models import Source
from tests.factories import a_person
from tests.generation.orders.flow import house_generator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]

ADDRESS = "/orders/new/house/tabular/upload"
BOUNDARY = "boundary"
LIMIT = 4 << 20


class Body(io.RawIOBase):
    """The body of a form with a file, made as it is read; each time it looks how much of it lies in ``folder``."""

    def __init__(self, folder: Path, size: int) -> None:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="identifier"\r\n\r\n\r\n--{BOUNDARY}\r\n'
            f'Content-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\nage,city\n'
        )
        self._head, self._tail = head.encode(), f"\r\n--{BOUNDARY}--\r\n".encode()
        self._folder = folder
        self._rows = size
        self.length = len(self._head) + size + len(self._tail)
        self.read_so_far = 0
        self.most_on_disk = 0

    def read(self, size: int = -1) -> bytes:
        assert list(self._folder.iterdir()) == [], "a file that is sent has no name, so that it goes with the process"
        self.most_on_disk = max(self.most_on_disk, _held_in(self._folder))
        first, last = self.read_so_far, self.length if size < 0 else min(self.read_so_far + size, self.length)
        whole_head, whole_rows = len(self._head), len(self._head) + self._rows
        piece = self._head[first:last]
        piece += b"7" * max(0, min(last, whole_rows) - max(first, whole_head))
        piece += self._tail[max(0, first - whole_rows) : max(0, last - whole_rows)]
        self.read_so_far = last
        return piece


def _held_in(folder: Path) -> int:
    """Bytes of the files in ``folder`` that this process has open, with or without a name."""
    held = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if str(descriptor.readlink()).startswith(f"{folder}/"):
                held += descriptor.stat().st_size
    return held


@pytest.fixture
def disk(tmp_path: Path, settings: Any) -> Path:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.SOURCE_MAX_BYTES = LIMIT
    return tmp_path


def send(client: Client, body: Body, address: str = ADDRESS) -> HttpResponse:
    given = {"CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}", "CONTENT_LENGTH": str(body.length)}
    return client.generic("POST", address, **given, **{"wsgi.input": body})


@pytest.mark.parametrize("address", [ADDRESS, "/accounts/login/", "/"])
def test_a_file_of_somebody_who_is_not_signed_in_is_not_read(disk: Path, address: str) -> None:
    house_generator("tabular")
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")  # brings the cookie, without which no form is read
    body = Body(disk, 64 << 20)
    answer = send(client, body, address)
    assert answer.status_code < 500
    assert body.most_on_disk == 0
    assert 0 < body.read_so_far < 1 << 20
    assert list(disk.iterdir()) == []
    assert not Source.objects.exists()


def test_a_file_beyond_the_limit_is_dropped_as_it_arrives_and_the_form_says_so(client: Client, disk: Path) -> None:
    house_generator("tabular")
    client.force_login(a_person()[0])
    body = Body(disk, 16 * LIMIT)
    answer = send(client, body)
    assert answer.status_code == 422
    assert "The file is too large; the limit is 4 MiB." in answer.content.decode()
    assert LIMIT // 2 < body.most_on_disk <= LIMIT
    assert list(disk.iterdir()) == []
    assert not Source.objects.exists()


def test_a_file_within_the_limit_arrives_whole(client: Client, disk: Path) -> None:
    house_generator("tabular")
    client.force_login(a_person()[0])
    answer = send(client, Body(disk, LIMIT - 100))
    assert answer.status_code == 302
    assert Source.objects.get().bytes == LIMIT - 100 + len("age,city\n")


def test_the_form_tells_the_limit_that_is_set(client: Client, disk: Path) -> None:
    house_generator("tabular")
    client.force_login(a_person()[0])
    assert "up to 4 MiB" in client.get(ADDRESS).content.decode()
