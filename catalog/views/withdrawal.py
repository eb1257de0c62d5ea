"""Withdrawing a version, for staff; destroying one's own rows, for who owns them; and what stands in its place."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from catalog import keeping, withdrawing
from catalog.models import Dataset
from catalog.moderation_forms import DestroyForm, WithdrawalForm
from catalog.views.seen import dataset_at, nothing_there, version_of
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Role
from marketplace.accounts.reading import reading_account

_FILES_SHOWN = 100


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The form by which staff withdraw a version; to others there is nothing here."""
    if not request.user.has_perm("catalog.change_shelfstate"):
        raise Http404("There is nothing here that you may see.")
    found = get_object_or_404(Dataset.objects.named(owner, name))
    versions = found.versions.readable().select_related("shelf", "dataset__account")
    version = next((one for one in versions if one.number == number), None)
    if version is None:
        raise Http404(f"There is no version {number} of {found} that could be withdrawn.")
    form = WithdrawalForm(number, request.POST if request.method == "POST" else None)
    if form.is_valid():
        withdrawing.withdraw(version, form.cleaned_data["reason"])
        messages.success(request, f"{version} is withdrawn. Its bytes are being destroyed.")
        return redirect("admin:catalog_version_change", version.id)
    context = {"dataset": found, "version": version, "form": form}
    return render(request, "catalog/moderation/withdraw.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def destroy(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The form by which an owner has a version destroyed that holds rows of their upload; others see nothing here."""
    found = dataset_at(owner, name, number)
    version = version_of(found, number)
    if version is None or not version.keeps_rows or acting_account(request) != found.account:
        raise nothing_there(owner, name, number)
    form = DestroyForm(number, request.POST if request.method == "POST" else None)
    if form.is_valid():
        require_role(request, Role.OWNER)
        keeping.destroy(version)
        messages.success(request, f"{version} is being destroyed. Its digests remain, and no row.")
        return redirect("catalog:dataset", owner, name)
    context = {"dataset": found, "version": version, "form": form}
    return render(request, "catalog/destroy.html", context, status=422 if form.is_bound else 200)


def gone(request: HttpRequest, found: Dataset, number: str | None) -> HttpResponse:
    """The tombstone of a withdrawn version, for whoever could look at it. Raises Http404 when there is none to see."""
    version = withdrawing.tombstone(reading_account(request), found, number)
    if version is None:
        raise nothing_there(found.account.slug, found.name, number)
    context = {"dataset": found, "version": version, "files": version.files.order_by("path")[:_FILES_SHOWN]}
    return render(request, "catalog/tombstone.html", context, status=410)
