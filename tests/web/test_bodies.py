"""What strangers send is read no further than its view may be sent, and lies nowhere under a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path
from pytest_django import Settings

from marketplace.urls import urlpatterns as site_urls
from marketplace.web.bodies import takes_files
from tests.factories import a_person

UPLOAD = "/orders/new/house/tabular/upload"


def _take(request: HttpRequest) -> HttpResponse:
    sent = request.FILES["file"]
    folder = Path(str(settings.FILE_UPLOAD_TEMP_DIR))
    named = [entry.name for entry in folder.iterdir()]
    return JsonResponse({"name": sent.name, "size": sent.size, "last": sent.read()[-3:].decode(), "named": named})


urlpatterns = [*site_urls, path("take", takes_files(_take))]


class Unread:
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def sent(client: Client, address: str, size: int) -> HttpResponse:
    """The answer to a form that says that it is ``size`` bytes long."""
    form = "multipart/form-data; boundary=x"
    more: dict[str, Any] = {"CONTENT_LENGTH": str(size), "wsgi.input": Unread()}
    return client.generic("POST", address, b"", form, **more)


@pytest.mark.parametrize("address", ["/accounts/login/", UPLOAD, "/staff/login/"])
@pytest.mark.django_db
def test_nobody_sends_more_than_a_form(address: str) -> None:
    checked = Client(enforce_csrf_checks=True)
    assert sent(checked, address, 10 << 20).status_code == 413


@pytest.mark.django_db
def test_who_is_signed_in_sends_a_file_where_one_is_taken_and_no_larger_one_than_a_source(client: Client) -> None:
    client.force_login(a_person()[0])
    refused = sent(client, UPLOAD, settings.SOURCE_MAX_BYTES + (2 << 20))
    assert refused.status_code == 413
    assert "too large" in refused.content.decode()
    assert sent(client, "/accounts/email/", 10 << 20).status_code == 413
    # It is let through to the view, which knows no such generator here.
    assert sent(client, UPLOAD, 10 << 20).status_code == 404


@override_settings(ROOT_URLCONF=__name__)
def test_a_file_that_is_sent_lies_on_disk_without_a_name(tmp_path: Path, settings: Settings, client: Client) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    body = b"x" * (3 << 20) + b"end"
    told = client.post("/take", {"file": SimpleUploadedFile("../people.csv", body)}).json()
    assert told == {"name": "people.csv", "size": len(body), "last": "end", "named": []}


@pytest.mark.django_db
def test_an_address_with_a_nul_byte_leads_nowhere(client: Client) -> None:
    answer = client.get("/datasets/ann/numbers/versions/1.0.0/files/a%00b")
    assert answer.status_code == 404
