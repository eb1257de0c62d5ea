"""Handing out data: links and documents for whoever may have them, each recorded; rows on a page, once a licence."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from catalog import attachments, licensing
from catalog.models import Attachment, Delivery, File, Licence, Reading, Version
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


def document(account: Account | None, found: Attachment) -> bytes:
    """The bytes of a document about a version that ``account`` may look at. Raises NotLicensed.

    One that is for licence holders only is recorded.
    """
    of_kind = attachments.kind(found.kind)
    if not of_kind.public:
        with transaction.atomic():
            _record(account, found.version, f"documents/{found.kind}.json")
            if not licensing.may_have(account, found.version):
                raise NotLicensed(f"The {of_kind.title.lower()} is for licence holders.")
    return attachments.read(found)


def rows_shown(licence: Licence, version: Version) -> None:
    """Record, once a licence, that rows beyond the free sample are shown under it.

    Raises NotLicensed when it was taken away meanwhile: whoever gives it back sees the record, or we see that.
    """
    if Reading.objects.filter(licence=licence).exists():
        return
    with transaction.atomic():
        Licence.objects.select_for_update(no_key=True).get(id=licence.id)
        if not Licence.objects.in_force().filter(id=licence.id).exists():
            raise NotLicensed(f"The licence to {version.dataset} is not in force any more.")
        Reading.objects.get_or_create(licence=licence, defaults={"version": version})


def was_used(licences: QuerySet[Licence]) -> bool:
    """Was anything taken under one of ``licences``: a file or document, or rows shown beyond the free sample?"""
    given = Delivery.objects.filter(licence__in=licences)
    return given.exists() or Reading.objects.filter(licence__in=licences).exists()


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
