"""Pages of runs: a generator, the progress of a run as a fragment, a runtime, what the words of provenance mean."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from catalog.models import Listing, Version
from generation.runs.models import Generator, GeneratorVersion, Run, Runtime
from generation.runs.progress import progress
from marketplace.web import keyset
from marketplace.web.schema_forms import SchemaForm

_SHOWN = 20


@require_GET
def generators(request: HttpRequest) -> HttpResponse:
    """All generators that anyone may order from."""
    newest = Prefetch("versions", GeneratorVersion.objects.newest_of_each_generator())
    found = (
        Generator.objects.filter(versions__isnull=False).distinct().select_related("account").prefetch_related(newest)
    )
    page = keyset.requested_page(request, found, order=("name", "id"), size=_SHOWN)
    return render(request, "runs/generators.html", {"page": page})


@require_GET
def generator(request: HttpRequest, owner: str, name: str, number: str | None = None) -> HttpResponse:
    """What a generator makes, its settings, and what was published with it."""
    found = get_object_or_404(Generator.objects.select_related("account"), account__slug=owner, name=name)
    versions = found.versions.newest_first()
    shown = versions.first() if number is None else versions.filter(number=number).first()
    if shown is None:
        raise Http404(f"There is no version {number or ''} of {found}.")
    runs = Run.objects.filter(generator__generator=found, state=Run.State.READY)
    published = (
        Version.objects.on_shelf()
        .filter(run__in=runs.values("id"), dataset__listing__state=Listing.State.ON_SHELF)
        .select_related("dataset__account")
        .order_by("-published_at", "-id")
    )
    context = {
        "generator": found,
        "shown": shown,
        "versions": versions[:_SHOWN],
        "published": published[:_SHOWN],
        "settings": SchemaForm(shown.description["parameters"]).fields,
    }
    return render(request, "runs/generator.html", context)


@require_GET
def shelf_progress(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A fragment for a shelf: how far the run is that an announced listing is being made by. Other runs are nobody's.

    Once that run has ended and its listing is no longer announced, the whole page is looked at again: it shows the
    finished row, or none.
    """
    run = get_object_or_404(Run, id=run_id)
    if not Listing.objects.filter(making=run_id, state=Listing.State.ANNOUNCED).exists():
        listed = Listing.objects.filter(dataset=run.dataset_id).exclude(state=Listing.State.DRAFT)
        if run.ended and listed.exists():
            return HttpResponse(headers={"HX-Refresh": "true"})
        raise Http404("There is no such run that you may see.")
    return render(request, "runs/_shelf_progress.html", {"progress": progress(run)})


@require_GET
def runtime(request: HttpRequest, digest: str) -> JsonResponse:
    """The document of a runtime: what could be imported, and how it was pinned."""
    return JsonResponse(get_object_or_404(Runtime, id=digest).document)


@require_GET
def build_type(request: HttpRequest) -> HttpResponse:
    """What the fields of our provenance mean."""
    return render(request, "runs/build_type.html")


@require_GET
def builder(request: HttpRequest) -> HttpResponse:
    """What the builder of the house's own generators promises."""
    return render(request, "runs/builder.html")
