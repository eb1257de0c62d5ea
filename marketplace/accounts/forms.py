"""Signing up (an e-mail address, a password, the name of the account), and choosing whom to act for."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, QueryDict

from marketplace.accounts.models import Account, User
from marketplace.accounts.people import open_personal_account
from marketplace.web.problems import Fault, Problem


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Makes user, personal account and membership together, or nothing."""

    slug = forms.CharField(
        label="Account name",
        help_text=Account._meta.get_field("slug").help_text,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    field_order = ("email", "slug", "password1")

    def clean_slug(self) -> str:
        """All faults of the name at once."""
        slug: str = self.cleaned_data["slug"]
        account = Account(slug=slug, name=slug, kind=Account.Kind.PERSONAL)
        try:
            account.full_clean()
        except forms.ValidationError as error:
            messages = error.message_dict.get("slug", [])
            if Account.objects.filter(slug=slug).exists():
                messages = [f"“{slug}” is taken. Choose another name."]
            raise forms.ValidationError(messages) from error
        return slug

    def save(self, request: HttpRequest) -> User:
        """Save all three in one transaction.

        Raises Problem when somebody else took the name or the address after the form was checked.
        """
        slug = self.cleaned_data["slug"]
        try:
            with transaction.atomic():
                user: User = super().save(request)
                open_personal_account(user, slug)
        except (IntegrityError, forms.ValidationError) as error:
            taken = Fault("slug", f"“{slug}” or the e-mail address was taken just now.", "Sign up again.", "taken")
            raise Problem(409, "Somebody was faster", "Nothing was made.", faults=[taken]) from error
        return user


class ActForForm(forms.Form):
    """Choose one of ``accounts``, by slug."""

    def __init__(self, accounts: Sequence[Account], acting: Account | None, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"account": acting.slug if acting else None})
        self.fields["account"] = forms.ChoiceField(
            label="Account",
            widget=forms.RadioSelect,
            choices=[(account.slug, f"{account.slug}, {account.get_kind_display()}") for account in accounts],
        )
