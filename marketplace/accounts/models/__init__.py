"""The models of accounts: one file each."""

from marketplace.accounts.models.account import Account, Membership, Role
from marketplace.accounts.models.user import User

__all__ = ["Account", "Membership", "Role", "User"]
