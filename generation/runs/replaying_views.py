"""The button by which staff have a version made again: a fragment of the page of its provenance, and a page alone."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from catalog.models import Version
from generation.runs import replaying
from marketplace.work.models import Piece

_UNDER_WAY = {Piece.State.WAITING, Piece.State.DUE, Piece.State.LEASED}


@require_http_methods(["GET", "HEAD", "POST"])
def replay(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """How the last replay stands, and with POST the next one. For staff; to others there is nothing here."""
    if not request.user.has_perm("runs.change_run"):
        raise Http404("There is nothing here that you may see.")
    versions = Version.objects.readable().select_related("dataset__account", "shelf")
    version = get_object_or_404(versions, id=version_id)
    if request.method == "POST":
        replaying.ask(version)
        if "HX-Request" not in request.headers:
            return redirect("runs:replay", version_id)
    piece = replaying.latest(version)
    context = {"version": version, "piece": piece, "under_way": piece is not None and piece.state in _UNDER_WAY}
    fragment = "HX-Request" in request.headers
    return render(request, "runs/_replay.html" if fragment else "runs/replay.html", context)
