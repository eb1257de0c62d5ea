"""Reporting a problem of a version and answering it; the tab itself stands with the other tabs of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog import licensing, problem_reports
from catalog.models import ProblemReport, Version
from catalog.problem_forms import AnswerForm, ReportForm
from catalog.views.seen import seen_version
from marketplace.accounts.acting import acting_account
from marketplace.accounts.models import User
from marketplace.web import keyset

_PAGE = 20


@dataclass(frozen=True)
class Thread:
    """A report with the form for whoever may write to it."""

    report: ProblemReport
    form: AnswerForm | None


def problems_of(request: HttpRequest, version: Version) -> dict[str, Any]:
    """What the tab shows: the reports on a dataset, newest first, and what the reader may write."""
    page = keyset.requested_page(
        request, problem_reports.of(version.dataset), order=("-reported_at", "-id"), size=_PAGE
    )
    return {"page": page, "threads": [Thread(each, _answer_form(request, each)) for each in page.items]}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report_problem(request: HttpRequest, owner: str, name: str, number: str) -> HttpResponse:
    """The form for reporting a problem of this version."""
    version = seen_version(request, owner, name, number)
    account, user = acting_account(request), cast(User, request.user)
    if account is None:
        raise Http404("You are not a member of any account.")
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = problem_reports.report(version, account=account, by=user, **form.cleaned_data)
        except problem_reports.TooMany as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Reported. The seller is told; you get an e-mail when it is answered.")
            return redirect(_place(made))
    context = {"version": version, "dataset": version.dataset, "account": account, "form": form}
    return render(request, "catalog/report_problem.html", context, status=422 if form.is_bound else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def answer_problem(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Write to a report: the seller, staff, or whoever reported it. With GET it is the report alone."""
    reports = ProblemReport.objects.select_related("version__dataset__account", "version__shelf", "account")
    found = get_object_or_404(reports.prefetch_related("answers"), id=report_id)
    account, user = acting_account(request), cast(User, request.user)
    if not (licensing.may_look(account, found.version) or problem_reports.voice(found, account=account, by=user)):
        raise Http404("There is no such problem that you may see.")
    form = _answer_form(request, found, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if form is None:
            raise PermissionDenied("Only the seller, staff and whoever reported a problem write to it.")
        if form.is_valid():
            try:
                problem_reports.answer(found, account=account, by=user, **form.cleaned_data)
            except problem_reports.TooMany as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, "Written. Everybody who sees the dataset can read it.")
                return redirect("catalog:answer-problem", found.id)
    context = {"thread": Thread(found, form), "dataset": found.version.dataset}
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "catalog/problem.html", context, status=status)


def _answer_form(request: HttpRequest, found: ProblemReport, sent: Any = None) -> AnswerForm | None:
    """The form of whoever may write to the report; ``None`` for all others."""
    if not isinstance(request.user, User):
        return None
    speaks = problem_reports.voice(found, account=acting_account(request), by=request.user)
    # Many of these stand on one page, so their controls need ids of their own.
    return AnswerForm(sent, voice=speaks, auto_id=f"answer-{found.id}-%s") if speaks else None


def _place(made: ProblemReport) -> str:
    dataset = made.version.dataset
    return f"{reverse('catalog:dataset-problems', args=[dataset.account.slug, dataset.name])}#problem-{made.id}"
