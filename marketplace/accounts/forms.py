"""The sign-up form: an e-mail address, a password, and the name of the account."""

from __future__ import annotations

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.db import transaction
from django.http import HttpRequest

from marketplace.accounts.models import Account, User
from marketplace.accounts.people import open_personal_account


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Makes user, personal account and membership together, or nothing."""

    slug = forms.CharField(
        label="Account name",
        help_text=Account._meta.get_field("slug").help_text,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    field_order = ("email", "slug", "password1")

    def clean_slug(self) -> str:
        """All faults of the name at once."""
        slug: str = self.cleaned_data["slug"]
        account = Account(slug=slug, name=slug, kind=Account.Kind.PERSONAL)
        try:
            account.full_clean()
        except forms.ValidationError as error:
            messages = dict(error).get("slug", [])
            if Account.objects.filter(slug=slug).exists():
                messages = [f"“{slug}” is taken. Choose another name."]
            raise forms.ValidationError(messages) from error
        return slug

    def save(self, request: HttpRequest) -> User:
        """Save all three in one transaction."""
        with transaction.atomic():
            user: User = super().save(request)
            open_personal_account(user, self.cleaned_data["slug"])
        return user
