"""What allauth asks of us."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.contrib.sites.shortcuts import get_current_site
from django.core.validators import MaxLengthValidator
from django.db import transaction

from marketplace.accounts.models import User
from marketplace.mail import outbox


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Users have no user name: their e-mail address is it. Messages go through the outbox, by a worker."""

    def populate_username(self, request: object, user: object) -> None:
        """There is nothing to fill in."""

    def clean_email(self, email: str) -> str:
        """Refuse an address that no table can hold: a message to one that nobody has is written, too."""
        MaxLengthValidator(User._meta.get_field("email").max_length)(email)
        return email

    def format_email_subject(self, subject: str) -> str:
        """The sender says where a message comes from; its subject says what it is about."""
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the message and have it sent; whoever is answered by a page does not wait for a mail server."""
        request = allauth_context.request
        shown = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        message = self.render_mail(template_prefix, email, shown)
        with transaction.atomic():
            outbox.put(to=email, subject=message.subject, text=message.body)
