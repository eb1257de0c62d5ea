"""The calls of the hub protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_POST, require_safe

from catalog import delivery, downloads, holding, licensing
from catalog.hub import card, tree
from catalog.hub.errors import EntryNotFound, GatedRepo, RepoNotFound, hub_call
from catalog.hub.revisions import MAIN, find_version, visible_versions
from catalog.models import File, Version
from marketplace.accounts.models import Account
from marketplace.accounts.reading import reading_account, shown_token
from marketplace.web.problems import Problem

_PAGE = 1000


@hub_call
@require_safe
def whoami(request: HttpRequest) -> HttpResponse:
    """Whose token it is."""
    token = shown_token(request)
    if token is None:
        raise Problem(401, "A token is needed", "Send it as Authorization: Bearer lk_…", type="token")
    account = token.account
    return JsonResponse(
        {
            "type": "user",
            "id": account.id.hex,
            "name": account.slug,
            "fullname": account.name,
            "email": None,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": {"displayName": token.name, "role": "read"}},
        }
    )


@hub_call
@require_safe
def info(request: HttpRequest, owner: str, name: str, revision: str = MAIN) -> HttpResponse:
    """A dataset at one version; ``blobs=true`` adds sizes and digests of its files."""
    account = reading_account(request)
    version = find_version(account, owner, name, revision)
    dataset, public = version.dataset, licensing.is_public(version)
    matter = card.parsed_front_matter(version)
    blobs = _is_true(request.GET.get("blobs", ""))
    return _answer(
        version,
        {
            "_id": dataset.id.hex[-24:],
            "id": str(dataset),
            "author": dataset.account.slug,
            "sha": version.commit,
            "lastModified": tree.moment(version),
            "createdAt": f"{dataset.created_at:%Y-%m-%dT%H:%M:%S.000Z}",
            "private": not public,
            "gated": "auto" if public else False,
            "disabled": False,
            "tags": [*matter["tags"], *(f"size_categories:{size}" for size in matter["size_categories"])],
            "cardData": matter,
            "siblings": [_sibling(entry, blobs=blobs) for entry in tree.files(version)],
        },
    )


@hub_call
@require_safe
def refs(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The newest version as a branch, each version that the reader may see as a tag."""
    account = reading_account(request)
    newest = find_version(account, owner, name, MAIN)
    tags = [
        {"name": version.number, "ref": f"refs/tags/{version.number}", "targetCommit": version.commit}
        for version in visible_versions(account, newest.dataset)
    ]
    main = {"name": MAIN, "ref": f"refs/heads/{MAIN}", "targetCommit": newest.commit}
    return _answer(newest, {"branches": [main], "tags": tags, "converts": []})


@hub_call
@require_safe
def listing(request: HttpRequest, owner: str, name: str, revision: str, path: str = "") -> HttpResponse:
    """What lies in a folder, a thousand entries a page; ``recursive`` and ``expand`` as the clients ask for them."""
    version = find_version(reading_account(request), owner, name, revision)
    recursive, expand = (_is_true(request.GET.get(flag, "")) for flag in ("recursive", "expand"))
    folder = path.strip("/")
    found = tree.below(tree.files(version), folder, recursive=recursive)
    if folder and not found:
        raise EntryNotFound(f"{owner}/{name} has no folder {folder} in version {version.number}.", version.commit)
    after = request.GET.get("cursor", "")
    page = [entry for entry in found if entry.path > after][: _PAGE + 1]
    response = _answer(version, [tree.described(entry, version, expand=expand) for entry in page[:_PAGE]])
    if len(page) > _PAGE:
        query = urlencode({"recursive": recursive, "expand": expand, "cursor": page[_PAGE - 1].path})
        # The revision as it was asked for could move between two pages; the commit does not.
        address = reverse("catalog:hub-tree", args=[owner, name, version.commit]) + (f"/{quote(folder)}" * bool(folder))
        response["Link"] = f'<{settings.PUBLIC_URL}{address}?{query}>; rel="next"'
    return response


@hub_call
@require_POST
def paths_info(request: HttpRequest, owner: str, name: str, revision: str) -> HttpResponse:
    """The entries at the given paths; those that do not exist are left out."""
    version = find_version(reading_account(request), owner, name, revision)
    expand = _is_true(request.POST.get("expand", ""))
    found = tree.at(tree.files(version), request.POST.getlist("paths"))
    return _answer(version, [tree.described(entry, version, expand=expand) for entry in found])


@hub_call
@require_safe
def resolve(request: HttpRequest, owner: str, name: str, revision: str, path: str) -> HttpResponse:
    """A file: the card as it is, data by a signed link. HEAD tells size and digest, and hands out no link."""
    account = reading_account(request)
    version = find_version(account, owner, name, revision)
    if path == card.PATH:
        return _readme(request, version)
    file = version.files.filter(path=path).first()
    if file is None:
        raise EntryNotFound(f"{owner}/{name} has no file {path} in version {version.number}.", version.commit)
    file.version = version
    try:
        return downloads.answer(request, account, file)
    except delivery.NotLicensed as error:
        raise GatedRepo(_licence_needed(account, file), version.commit) from error


@hub_call
def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A repository of another form than owner/name: the clients learn that there is none."""
    raise RepoNotFound("Datasets are named owner/name here.")


def _readme(request: HttpRequest, version: Version) -> HttpResponse:
    body = card.readme(version).encode()
    headers = {"X-Repo-Commit": version.commit, "Content-Length": str(len(body))}
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    response = HttpResponse(body, content_type="text/markdown; charset=utf-8", headers={**headers, "ETag": etag})
    return get_conditional_response(request, etag=etag, response=response) or response


def _licence_needed(account: Account | None, file: File) -> str:
    licence = licensing.lapsed(account, file.version)
    if licence is not None:
        return str(holding.notice(licence))
    dataset = file.version.dataset
    page = settings.PUBLIC_URL + reverse("catalog:dataset", args=[dataset.account.slug, dataset.name])
    return (
        f"{file.path} needs a licence to {dataset}, held by the account whose token you send. "
        f"Get one at {page} - the first file of each split is free to try."
    )


def _answer(version: Version, document: dict[str, Any] | Sequence[Any]) -> HttpResponse:
    return JsonResponse(document, safe=False, headers={"X-Repo-Commit": version.commit})


def _sibling(entry: tree.Entry, *, blobs: bool) -> dict[str, Any]:
    words: dict[str, Any] = {"rfilename": entry.path}
    if blobs:
        words |= {"blobId": entry.sha256[:40], "size": entry.bytes}
        if entry.stored:
            words["lfs"] = {"sha256": entry.sha256, "size": entry.bytes, "pointerSize": tree.POINTER_SIZE}
    return words


def _is_true(text: str) -> bool:
    return text.lower() in {"true", "1"}
