"""Pages of accounts: who one is and acts for, the team, API tokens."""

from marketplace.accounts.views.home import act_for, home
from marketplace.accounts.views.team import (
    change_role,
    invitation,
    invite,
    leave,
    open_organisation,
    remove,
    team,
    withdraw_invitation,
)
from marketplace.accounts.views.tokens import revoke_token, tokens

__all__ = [
    "act_for",
    "change_role",
    "home",
    "invitation",
    "invite",
    "leave",
    "open_organisation",
    "remove",
    "revoke_token",
    "team",
    "tokens",
    "withdraw_invitation",
]
