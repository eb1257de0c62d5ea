"""Accounts for staff, who sign in like everybody else: with the limits on attempts and with their second factor."""

from __future__ import annotations

from typing import ClassVar

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.accounts import tokens
from marketplace.accounts.models import Account, ApiToken, Membership, User
from marketplace.accounts.staff import LookOnly

admin.site.site_header = admin.site.site_title = "Lookalike administration"
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class MembershipInline(admin.TabularInline[Membership, Account]):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """People are made by signing up, and end by being made inactive."""

    list_display = ("email", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_active")
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    search_fields = ("email",)
    ordering = ("email",)
    fields = ("email", "is_active", "is_staff", "is_superuser", "user_permissions", "last_login", "date_joined")
    filter_horizontal = ("user_permissions",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only those with every permission give permissions; an address is changed by whoever can confirm it."""
        fixed = ("email", "last_login", "date_joined")
        if getattr(request.user, "is_superuser", False):
            return fixed
        return (*fixed, "is_active", "is_staff", "is_superuser", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People sign up; ``manage.py createsuperuser`` makes the first of the staff."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are made inactive."""
        return False


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin[Account]):
    """Organisations are opened and members named here until there are pages for it."""

    list_display = ("slug", "name", "kind", "demo", "created_at")
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    search_fields = ("slug", "name")
    list_filter = ("kind", "demo")
    ordering = ("slug",)
    inlines: ClassVar = [MembershipInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """A slug is part of addresses and never changes."""
        return ("slug", "created_at") if obj else ("created_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """An account owns what others have bought."""
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(LookOnly[ApiToken]):
    """Tokens without their secret; staff may only end them."""

    list_display = ("name", "account", "scopes", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("account",)
    search_fields = ("name", "account__slug")
    ordering = ("-created_at",)
    exclude = ("sha256",)
    actions = ("revoke",)

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        """End the tokens now."""
        for token in chosen:
            tokens.revoke(token)
        self.message_user(request, "The tokens no longer open anything.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change tokens by Django's permissions may end them."""
        return request.user.has_perm("accounts.change_apitoken")
