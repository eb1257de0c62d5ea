"""The answer at a file's own address, under the hub protocol's and the page's: digest, size, and the way to the bytes.

A program comes back to this address for a new link whenever one ended, so a download of any length can be resumed.
"""

from __future__ import annotations

from base64 import b64encode

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.utils.http import parse_etags

from catalog import delivery, licensing
from catalog.models import File
from marketplace import storage
from marketplace.accounts.models import Account


def answer(request: HttpRequest, account: Account | None, file: File) -> HttpResponse:
    """Redirect to a signed link; HEAD tells what is there and hands out no link. Raises delivery.NotLicensed.

    HEAD has no ``ETag``: the object store has its own, and clients that meet both take the file for changed. For the
    same reason ``If-Match`` and ``If-Range`` are left to the store, where they are followed.
    """
    if not licensing.may_read_file(account, file):
        raise delivery.NotLicensed(f"A licence to {file.version.dataset} is needed to download {file.path}.")
    etag = f'"{file.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(file.sha256)).decode()}:",
        "X-Repo-Commit": file.version.commit,
        "X-Linked-ETag": etag,
        "X-Linked-Size": str(file.bytes),
    }
    if request.method == "HEAD":
        return HttpResponse(content_type=storage.PARQUET, headers={**headers, "Content-Length": str(file.bytes)})
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers={**headers, "ETag": etag})
    link = delivery.file_link(account, file)
    return HttpResponseRedirect(link, headers={**headers, "ETag": etag, "Cache-Control": "private, no-store"})
