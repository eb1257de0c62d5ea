"""What allauth asks of us."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Users have no user name: their e-mail address is it."""

    def populate_username(self, request: object, user: object) -> None:
        """There is nothing to fill in."""

    def format_email_subject(self, subject: str) -> str:
        """The sender says where a message comes from; its subject says what it is about."""
        return subject
