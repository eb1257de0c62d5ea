"""What the administration of every part shares: staff look, and the product's own verbs change."""

from __future__ import annotations

from typing import TypeVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

Row = TypeVar("Row", bound=models.Model)


class LookOnly(admin.ModelAdmin[Row]):
    """Rows that staff may look at and find, and that the administration never makes, changes or deletes."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are made by the product's verbs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Rows are changed by the product's verbs, if at all."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Rows stay, since others stand on them."""
        return False
