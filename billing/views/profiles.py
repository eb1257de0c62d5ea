"""The billing profile of the account that the reader acts for."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.invoicing import profiles
from billing.invoicing.forms import ProfileForm, filled_in
from billing.models import BillingProfile
from marketplace.accounts.acting import acting_account, require_role
from marketplace.accounts.models import Role


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Whom invoices are made out to, and a form that changes it from now on."""
    account = acting_account(request)
    if account is None:
        raise Http404("You are not a member of any account.")
    require_role(request, Role.OWNER, Role.BILLING)
    known = BillingProfile.objects.filter(account=account).first()
    form = ProfileForm(request.POST) if request.method == "POST" else filled_in(known)
    if form.is_valid():
        kept = profiles.keep(account, form.details)
        waits = (
            " Staff look up the tax id; until then it is not checked."
            if kept.tax_id and not kept.tax_id_checked
            else ""
        )
        messages.success(request, f"Invoices are made out to {kept.legal_name} from now on.{waits}")
        return redirect("billing:profile")
    context = {"account": account, "profile": known, "form": form}
    return render(request, "billing/profile.html", context, status=422 if form.is_bound else 200)
