"""The models of accounts: one file each."""

from marketplace.accounts.models.account import Account, Membership, Role
from marketplace.accounts.models.invitation import Invitation
from marketplace.accounts.models.token import ApiToken, Scope
from marketplace.accounts.models.user import User

__all__ = ["Account", "ApiToken", "Invitation", "Membership", "Role", "Scope", "User"]
