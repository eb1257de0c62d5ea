"""Forms of accounts: signing up, whom to act for, organisations, roles and invitations, tokens."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, QueryDict

from marketplace.accounts.models import Account, Role, User
from marketplace.accounts.people import open_personal_account
from marketplace.web.problems import Fault, Problem


def _slug_field() -> forms.CharField:
    return forms.CharField(
        label="Account name",
        help_text=Account._meta.get_field("slug").help_text,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )


def _free_slug(slug: str) -> str:
    """Return ``slug`` if an account can have it. Raises forms.ValidationError with all that is wrong with it."""
    account = Account(slug=slug, name=slug, kind=Account.Kind.PERSONAL)
    try:
        account.full_clean()
    except forms.ValidationError as error:
        messages = error.message_dict.get("slug", [])
        if Account.objects.filter(slug=slug).exists():
            messages = [f"“{slug}” is taken. Choose another name."]
        raise forms.ValidationError(messages) from error
    return slug


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Makes user, personal account and membership together, or nothing."""

    slug = _slug_field()

    field_order = ("email", "slug", "password1")

    def clean_slug(self) -> str:
        """All faults of the name at once."""
        return _free_slug(self.cleaned_data["slug"])

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


class OrganisationForm(forms.Form):
    """Opens an organisation."""

    slug = _slug_field()
    name = forms.CharField(label="Name", max_length=120, help_text="The name that buyers see.")

    def clean_slug(self) -> str:
        """All faults of the name in addresses at once."""
        return _free_slug(self.cleaned_data["slug"])


class RoleForm(forms.Form):
    """Chooses a role."""

    role = forms.ChoiceField(
        label="Role",
        choices=Role.choices,
        initial=Role.MEMBER,
        help_text="Owners do everything, billing members money and licences, members the work.",
    )


class InviteForm(RoleForm):
    """Invites somebody by e-mail."""

    email = forms.EmailField(label="E-mail address", max_length=User._meta.get_field("email").max_length)

    field_order = ("email", "role")


class TokenForm(forms.Form):
    """Makes an API token."""

    name = forms.CharField(label="Name", max_length=80, help_text="What uses it, so that you know it again.")
    days = forms.ChoiceField(
        label="Works for",
        required=False,
        initial="90",
        choices=[("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until it is revoked")],
    )
