"""The catalogue for staff: to look at and to find. What changes it are the catalogue's verbs."""

from __future__ import annotations

from django.contrib import admin

from catalog.models import (
    Dataset,
    Delivery,
    Licence,
    LicenceSuspension,
    Listing,
    Offer,
    ProblemReport,
    Reading,
    Review,
    Terms,
    Version,
)
from marketplace.accounts.staff import LookOnly


@admin.register(Dataset)
class DatasetAdmin(LookOnly[Dataset]):
    list_display = ("name", "account", "title", "created_at")
    list_select_related = ("account",)
    search_fields = ("name", "title", "account__slug")
    ordering = ("-created_at",)


@admin.register(Version)
class VersionAdmin(LookOnly[Version]):
    list_display = ("dataset", "number", "shelf", "units", "rows", "bytes", "published_at")
    list_select_related = ("dataset__account", "shelf")
    list_filter = ("shelf__state",)
    search_fields = ("digest", "dataset__name", "dataset__account__slug")
    ordering = ("-published_at",)


@admin.register(Listing)
class ListingAdmin(LookOnly[Listing]):
    list_display = ("dataset", "state", "modality", "shown_at")
    list_select_related = ("dataset__account",)
    list_filter = ("state", "modality")
    search_fields = ("dataset__name", "dataset__account__slug", "summary")
    ordering = ("-shown_at", "-id")


@admin.register(Offer)
class OfferAdmin(LookOnly[Offer]):
    list_display = ("listing", "terms", "price", "currency", "seats", "days", "open", "created_at")
    list_select_related = ("listing__dataset__account", "terms")
    list_filter = ("open", "terms__kind")
    search_fields = ("terms__title", "listing__dataset__name", "listing__dataset__account__slug")
    ordering = ("-created_at",)


@admin.register(Terms)
class TermsAdmin(LookOnly[Terms]):
    list_display = ("title", "kind", "number", "account", "created_at")
    list_select_related = ("account",)
    list_filter = ("kind",)
    search_fields = ("title", "account__slug", "sha256")
    ordering = ("-created_at",)


@admin.register(Licence)
class LicenceAdmin(LookOnly[Licence]):
    list_display = ("account", "version", "state", "cause_kind", "granted_at", "changed_at", "revoked_for")
    list_select_related = ("account", "version__dataset__account")
    list_filter = ("state", "cause_kind", "revoked_for")
    search_fields = ("account__slug", "dataset__name")
    ordering = ("-granted_at",)


@admin.register(LicenceSuspension)
class LicenceSuspensionAdmin(LookOnly[LicenceSuspension]):
    list_display = ("since", "reason", "subject", "licence", "lifted_at")
    list_select_related = ("licence",)
    list_filter = ("reason",)
    search_fields = ("licence__account__slug", "=subject", "=licence__id")
    ordering = ("-since", "-id")


@admin.register(Delivery)
class DeliveryAdmin(LookOnly[Delivery]):
    list_display = ("at", "path", "version", "licence")
    list_select_related = ("licence", "version__dataset__account")
    search_fields = ("licence__account__slug", "version__dataset__name")
    ordering = ("-at",)


@admin.register(Reading)
class ReadingAdmin(LookOnly[Reading]):
    list_display = ("at", "version", "licence")
    list_select_related = ("licence", "version__dataset__account")
    search_fields = ("licence__account__slug", "version__dataset__name")
    ordering = ("-at",)


@admin.register(Review)
class ReviewAdmin(LookOnly[Review]):
    """Decided on the pages under ``/moderation``."""

    list_display = ("listing", "state", "asked_at", "decided_at", "decided_by")
    list_select_related = ("listing__dataset__account", "decided_by")
    list_filter = ("state",)
    search_fields = ("listing__dataset__name", "listing__dataset__account__slug")
    ordering = ("-asked_at", "-id")


@admin.register(ProblemReport)
class ProblemReportAdmin(LookOnly[ProblemReport]):
    list_display = ("title", "state", "version", "account", "reported_at")
    list_select_related = ("version__dataset__account", "account")
    list_filter = ("state",)
    search_fields = ("title", "account__slug", "version__dataset__name", "version__dataset__account__slug")
    ordering = ("-reported_at", "-id")
