"""Accounts for staff."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from marketplace.accounts.models import Account, ApiToken, Membership, User


class MembershipInline(admin.TabularInline[Membership, Account]):
    model = Membership
    extra = 0


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ("email", "is_staff", "is_active", "date_joined")
    search_fields = ("email",)
    fields = ("email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    readonly_fields = ("last_login", "date_joined")


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin[Account]):
    list_display = ("slug", "name", "kind", "demo", "created_at")
    search_fields = ("slug", "name")
    list_filter = ("kind", "demo")
    inlines: ClassVar = [MembershipInline]

    def get_readonly_fields(self, request: object, obj: Account | None = None) -> tuple[str, ...]:
        """A slug is part of addresses and never changes."""
        return ("slug",) if obj else ()


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin[ApiToken]):
    list_display = ("name", "account", "scopes", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = ("account", "created_by", "name", "scopes", "sha256", "last_used_at", "created_at")
