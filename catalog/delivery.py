"""Handing out data: a signed link for whoever may read the file, each one recorded."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction

from catalog import licensing
from catalog.models import Delivery, File, Licence, Version
from marketplace import storage
from marketplace.accounts.models import Account


class NotLicensed(Exception):
    """The account has no licence to what it asks for."""


def file_link(account: Account | None, file: File) -> str:
    """Return a link to the file that works for a few minutes. Raises NotLicensed.

    A link given under a licence is recorded; the free sample is anybody's.
    """
    with transaction.atomic():
        _record(account, file.version, file.path)
        if not licensing.may_read_file(account, file):
            raise NotLicensed(f"A licence to {file.version.dataset} is needed to download {file.path}.")
    return storage.signed_link(
        storage.blob_key(file.sha256),
        file_name=_file_name(file),
        content_type=storage.PARQUET,
        seconds=settings.DOWNLOAD_LINK_SECONDS,
    )


def seed_link(account: Account | None, version: Version) -> str:
    """Return a link to seed and salt of a version. Raises NotLicensed."""
    with transaction.atomic():
        _record(account, version, "seed.json")
        if not licensing.may_have(account, version):
            raise NotLicensed(f"The seed of {version} is shown to licence holders.")
    return storage.signed_link(
        version.disclosure.key,
        file_name="seed.json",
        content_type=mimetypes.types_map[".json"],
        seconds=settings.DOWNLOAD_LINK_SECONDS,
    )


def checksums(version: Version) -> str:
    """The digests of all files as ``sha256sum --check`` reads them."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in version.files.order_by("path"))


def _record(account: Account | None, version: Version, path: str) -> None:
    """Record what is handed out, under the licence's lock: whoever takes it back sees the record, or we see that.

    So the caller asks afterwards whether the account may have it.
    """
    licence = None if account is None else licensing.licence_for(account, version)
    if licence is not None:
        Licence.objects.select_for_update(no_key=True).get(id=licence.id)
        Delivery.objects.create(licence=licence, version=version, path=path)


def _file_name(file: File) -> str:
    """A name that is unique in a downloads folder: dataset, version, then the path with its folders joined."""
    version = file.version
    return "-".join([version.dataset.name, version.number, *PurePosixPath(file.path).parts])
