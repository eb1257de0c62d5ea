"""What others ask of licences (does this one hold?), and what its holder shows them: certificate and document."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_http_methods, require_safe

from catalog import certificates, licence_documents, status_lists, verifying
from catalog.models import Licence, StatusList
from catalog.verifying_forms import ShownForm
from marketplace.accounts.reading import reading_account

_UNPROCESSABLE = 422
_NONE = "There is no licence of this id. Compare it with the certificate, letter by letter."


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Where anyone checks a certificate, or the id of a licence, that they were shown."""
    form = ShownForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if (asked := form.licence_id) is not None:
            return redirect("catalog:verify-one", asked)
        try:
            genuine = verifying.check(form.cleaned_data["shown"])
        except verifying.NotGenuine as error:
            form.add_error("shown", f"This is not genuine, or not whole. {error}")
        else:
            context = {"standing": genuine.standing, "claims": genuine.claims}
            return render(request, "catalog/verified.html", context)
    return render(request, "catalog/verify.html", {"form": form}, status=_UNPROCESSABLE if form.is_bound else 200)


@require_safe
def verify_one(request: HttpRequest, licence_id: UUID) -> HttpResponse:
    """Where one licence stands, for anyone who knows its id; not who holds it."""
    return render(request, "catalog/verified.html", {"standing": _standing(licence_id)})


@require_safe
def licence_status(request: HttpRequest, licence_id: UUID) -> HttpResponse:
    """The same for programs."""
    return JsonResponse(_standing(licence_id).document, headers={"Cache-Control": "no-cache"})


@require_safe
def status_list(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """A status list, signed. Whoever asks again learns at once what changed."""
    token = status_lists.token(get_object_or_404(StatusList, id=list_id))
    etag = quote_etag(token.rpartition(".")[2])
    headers = {"Cache-Control": "public, no-cache", "Access-Control-Allow-Origin": "*", "ETag": etag}
    response = HttpResponse(token, content_type=status_lists.MEDIA_TYPE, headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


@require_safe
def certificate(request: HttpRequest, licence_id: UUID) -> HttpResponse:
    """The certificate of a licence of the account, as a file; programs show a token."""
    account = reading_account(request)
    if account is None:
        return redirect_to_login(request.get_full_path())
    token = certificates.of(get_object_or_404(Licence, id=licence_id, account=account)).token
    return _download(token.encode(), "application/jwt", f"licence-{licence_id}.jwt")


@require_safe
def licence_document(request: HttpRequest, licence_id: UUID) -> HttpResponse:
    """A licence of the account on paper, with its certificate."""
    account = reading_account(request)
    if account is None:
        return redirect_to_login(request.get_full_path())
    body = licence_documents.document(certificates.of(get_object_or_404(Licence, id=licence_id, account=account)))
    return _download(body, "application/pdf", f"licence-{licence_id}.pdf")


def _standing(licence_id: UUID) -> verifying.Standing:
    found = verifying.standing(licence_id)
    if found is None:
        raise Http404(_NONE)
    return found


def _download(body: bytes, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(body, content_type=content_type, headers=headers)
