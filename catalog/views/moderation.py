"""What staff look at before it comes to the shelf: the queue, and one listing with everything that buyers would see."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from catalog import attachments, moderation
from catalog.models import PreviewPicture, Review, Version
from catalog.moderation_forms import DecisionForm
from catalog.pages import sheets_of
from marketplace import storage
from marketplace.accounts.models import User
from marketplace.web import keyset

_PAGE = 20
_DECIDED_SHOWN = 20


@require_GET
def reviews(request: HttpRequest) -> HttpResponse:
    """Listings that wait for a decision, the oldest first, and those decided last."""
    _staff(request)
    all_reviews = Review.objects.select_related("listing__dataset__account", "decided_by")
    page = keyset.requested_page(request, all_reviews.undecided(), order=("asked_at", "id"), size=_PAGE)
    decided = all_reviews.filter(decided_at__isnull=False).order_by("-decided_at")[:_DECIDED_SHOWN]
    return render(request, "catalog/moderation/reviews.html", {"page": page, "decided": decided})


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """One listing as buyers would see it, and the decision with its reasons."""
    user = _staff(request)
    found = get_object_or_404(Review.objects.select_related("listing__dataset__account", "decided_by"), id=review_id)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if form.approves:
                moderation.approve(found, user)
            else:
                moderation.refuse(found, user, form.cleaned_data["reasons"])
        except (moderation.ReviewMoved, moderation.NotShown) as error:
            messages.error(request, str(error))
            return redirect("catalog:review", review_id)
        messages.success(request, "Decided. The seller is told by e-mail.")
        return redirect("catalog:reviews")
    context = {"review": found, "listing": found.listing, "form": form, **_shown(found)}
    return render(request, "catalog/moderation/review.html", context, status=422 if form.is_bound else 200)


@require_GET
def review_picture(request: HttpRequest, review_id: UUID, sha256: str) -> HttpResponse:
    """A picture of the first rows of a listing that staff look at."""
    _staff(request)
    found = get_object_or_404(Review.objects.undecided().select_related("listing"), id=review_id)
    version = found.listing.newest_on_shelf
    picture = get_object_or_404(PreviewPicture, version=version, sha256=sha256)
    response = HttpResponse(storage.read_blob(sha256), content_type=picture.media_type)
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _staff(request: HttpRequest) -> User:
    """Whoever may decide. Raises Http404 for everybody else: to them there is nothing here."""
    if not request.user.has_perm("catalog.change_review"):
        raise Http404("There is nothing here that you may see.")
    return cast(User, request.user)


def _shown(found: Review) -> dict[str, Any]:
    """The first rows and the statistics of what would come to the shelf, while it is not decided."""
    version: Version | None = found.listing.newest_on_shelf
    if version is None or found.state not in {Review.State.REQUESTED, Review.State.APPEALED}:
        return {"version": version, "sheets": []}
    documents = version.attachments.filter(kind__in=["preview", "statistics"])
    loaded = {document.kind: attachments.load(document) for document in documents}
    base = reverse("catalog:review-picture", args=[found.id, "-"]).removesuffix("-")
    return {
        "version": version,
        "sheets": sheets_of(version, loaded.get("preview"), loaded.get("statistics")),
        "picture_base": base,
    }
