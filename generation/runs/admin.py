"""Runs for staff: to look at and to find. Seeds, salts and the keys of private objects are not shown."""

from __future__ import annotations

from django.contrib import admin

from generation.runs.models import DriftCheck, Generator, GeneratorVersion, Making, Probe, Run, Runtime, Source
from marketplace.accounts.staff import LookOnly


@admin.register(DriftCheck)
class DriftCheckAdmin(LookOnly[DriftCheck]):
    list_display = ("asked_at", "state", "account", "version", "kind", "bytes", "fault_owner", "deleted_at")
    list_select_related = ("account", "version__dataset__account")
    list_filter = ("state", "kind", "fault_owner")
    search_fields = ("account__slug", "version__dataset__name")
    ordering = ("-asked_at", "-id")
    # What its table looks like belongs to the holder.
    exclude = ("key", "report", "sketch")


@admin.register(Generator)
class GeneratorAdmin(LookOnly[Generator]):
    list_display = ("name", "account")
    list_select_related = ("account",)
    search_fields = ("name", "account__slug")
    ordering = ("name",)


@admin.register(GeneratorVersion)
class GeneratorVersionAdmin(LookOnly[GeneratorVersion]):
    list_display = ("generator", "number", "reference", "registered_at")
    list_select_related = ("generator__account",)
    search_fields = ("digest", "reference", "generator__name", "generator__account__slug")
    ordering = ("-registered_at", "-id")


@admin.register(Runtime)
class RuntimeAdmin(LookOnly[Runtime]):
    list_display = ("id", "seen_at")
    search_fields = ("id",)
    ordering = ("-seen_at",)


@admin.register(Run)
class RunAdmin(LookOnly[Run]):
    list_display = ("created_at", "state", "dataset", "generator", "units", "fault_owner", "ended_at")
    list_select_related = ("dataset__account", "generator__generator__account")
    list_filter = ("state", "fault_owner")
    search_fields = ("account__slug", "dataset__name", "generator__generator__name")
    ordering = ("-created_at",)
    # A plan has an entry for every shard.
    exclude = ("seed", "salt", "plan")


@admin.register(Making)
class MakingAdmin(LookOnly[Making]):
    list_display = ("created_at", "state", "account", "generator", "dataset")
    list_select_related = ("account", "generator__generator__account", "dataset__account")
    list_filter = ("state",)
    search_fields = ("account__slug", "name", "dataset__name", "generator__generator__name")
    ordering = ("-created_at", "-id")


@admin.register(Probe)
class ProbeAdmin(LookOnly[Probe]):
    list_display = ("created_at", "state", "account", "generator", "fault_owner")
    list_select_related = ("account", "generator__generator__account")
    list_filter = ("state", "fault_owner")
    search_fields = ("account__slug", "generator__generator__name")
    ordering = ("-created_at",)
    # The rows belong to the buyer.
    exclude = ("preview",)


@admin.register(Source)
class SourceAdmin(LookOnly[Source]):
    list_display = ("uploaded_at", "state", "account", "name", "bytes")
    list_select_related = ("account",)
    list_filter = ("state",)
    search_fields = ("account__slug", "name")
    ordering = ("-uploaded_at",)
    exclude = ("key", "salt")
