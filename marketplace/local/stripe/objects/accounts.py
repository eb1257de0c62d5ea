"""Connected accounts and the links by which their owners tell Stripe who they are. https://docs.stripe.com/connect.

Accounts of Stripe's first API; what depends on their shape is in this module alone, so that accounts of the second can
stand beside them.
"""

from __future__ import annotations

from typing import Any

from marketplace.local.stripe.errors import StripeError, unsupported
from marketplace.local.stripe.money import balances
from marketplace.local.stripe.objects.events import emit
from marketplace.local.stripe.operations import Answer, Call, change_metadata, need, only, operation
from marketplace.local.stripe.rendering import listed
from marketplace.local.stripe.state import Object, World, random_text

#: How long a link to onboarding can be opened: "a few minutes", https://docs.stripe.com/api/account_links.
_LINK_SECONDS = 300
#: What is asked of every owner here: https://docs.stripe.com/connect/required-verification-information.
NEEDED = ["business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip"]
_CURRENCIES = {"US": "usd", "GB": "gbp", "CH": "chf", "CA": "cad", "AU": "aud", "JP": "jpy"}
_CHANGEABLE = "email business_type business_profile capabilities default_currency metadata settings"


@operation("PostAccounts", f"type country controller {_CHANGEABLE}")
def create(call: Call) -> Answer:
    """A connected account of which nothing is known yet: https://docs.stripe.com/connect/express-accounts."""
    asked, world = call.asked, call.world
    if "type" in asked and "controller" in asked:
        raise StripeError("The `type` and `controller` parameters cannot be provided together.", param="type")
    kind = asked.get("type") or ("none" if "controller" in asked else "standard")
    country = asked.get("country", "NL").upper()
    account = world.make(
        "account",
        business_type=asked.get("business_type"),
        business_profile=world.document.blank("account_business_profile"),
        capabilities=dict.fromkeys(_requested(asked), "inactive"),
        charges_enabled=False,
        controller=_controller(kind, asked),
        country=country,
        default_currency=asked.get("default_currency", _CURRENCIES.get(country, "eur")),
        details_submitted=False,
        email=asked.get("email"),
        external_accounts=listed([], ""),
        future_requirements=_requirements([]),
        payouts_enabled=False,
        requirements=_requirements(NEEDED),
        settings=_settings(world),
        tos_acceptance={"date": None, "ip": None, "user_agent": None},
        type=kind,
    )
    account["external_accounts"]["url"] = f"/v1/accounts/{account['id']}/external_accounts"
    _change(account, asked)
    return world.put(account)


@operation("GetAccounts", lists=True)
def list_accounts(call: Call) -> Answer:
    """Connected accounts, newest first."""
    return call.world.page("account", call.asked)


@operation("GetAccountsAccount")
def retrieve(call: Call) -> Answer:
    """One connected account; of one that is not ours, or no longer, nothing is told."""
    return _ours(call)


@operation("PostAccountsAccount", _CHANGEABLE)
def update(call: Call) -> Answer:
    """Change a connected account, or ask for more capabilities."""
    account = _ours(call)
    for name in _requested(call.asked):
        account["capabilities"].setdefault(name, "active" if account["details_submitted"] else "inactive")
    for field in ("email", "business_type"):
        if field in call.asked:
            account[field] = call.asked[field] or None
    _change(account, call.asked)
    call.world.put(account)
    _tell(call.world, account)
    return account


@operation("DeleteAccountsAccount")
def delete(call: Call) -> Answer:
    """Close an account, once its balance is zero: https://docs.stripe.com/api/accounts/delete."""
    account = _ours(call)
    if any(sum(both) for both in balances(call.world.seen_by(call.id)).values()):
        raise StripeError("Cannot delete an account that has a balance.", code="account_invalid")
    call.world.remove(account)
    emit(call.world.seen_by(call.id), "account.application.deauthorized", {"id": "ca_local", "object": "application"})
    return {"id": call.id, "object": "account", "deleted": True}


@operation("PostAccountsAccountReject", "reason")
def reject(call: Call) -> Answer:
    """Have nothing to do with an account any more: https://docs.stripe.com/api/account/reject."""
    account = _ours(call)
    if call.asked["reason"] not in ("fraud", "terms_of_service", "other"):
        raise StripeError("Invalid reason: must be one of fraud, terms_of_service or other", param="reason")
    require(call.world, account, [], reason=f"rejected.{call.asked['reason']}")
    return account


@operation("GetAccountsAccountCapabilities")
def list_capabilities(call: Call) -> Answer:
    """What the account may do, or asked to."""
    account = call.world.get("account", call.id)
    found = [
        {
            "id": name,
            "object": "capability",
            "account": account["id"],
            "requested": True,
            "requested_at": account["created"],
            "status": status,
        }
        for name, status in sorted(account["capabilities"].items())
    ]
    return listed(found, f"/v1/accounts/{account['id']}/capabilities")


@operation("PostAccountsAccountLoginLinks")
def login_link(call: Call) -> Answer:
    """A link into the Express Dashboard: https://docs.stripe.com/api/accounts/login_link."""
    account = call.world.get("account", call.id)
    if not account["details_submitted"]:
        raise StripeError("Cannot create a login link for an account that has not completed onboarding.")
    url = f"{call.world.base}/express/{account['id']}"
    return {"object": "login_link", "created": call.world.now, "url": url}


@operation("PostAccountLinks", "account type refresh_url return_url collect collection_options")
def create_link(call: Call) -> Answer:
    """A link to onboarding that opens once: https://docs.stripe.com/connect/hosted-onboarding."""
    asked, world = call.asked, call.world
    account = world.get("account", asked["account"], param="account")
    if asked["type"] not in ("account_onboarding", "account_update"):
        raise unsupported(f"account links of type {asked['type']}", param="type")
    refresh_url, return_url = need(asked, "refresh_url"), need(asked, "return_url")
    token, expires_at = random_text(20), world.now + _LINK_SECONDS
    account["_links"] = [
        *account.get("_links", []),
        {
            "token": token,
            "expires_at": expires_at,
            "refresh_url": refresh_url,
            "return_url": return_url,
            "opened": False,
        },
    ]
    world.put(account)
    url = f"{world.base}/onboarding/{account['id']}/{token}"
    return {"object": "account_link", "created": world.now, "expires_at": expires_at, "url": url}


def complete(world: World, account: Object) -> None:
    """The owner told all that was asked: what was requested becomes active."""
    account |= {
        "details_submitted": True,
        "payouts_enabled": True,
        "requirements": _requirements([]),
        "business_type": account["business_type"] or "individual",
    }
    account["capabilities"] = dict.fromkeys(account["capabilities"], "active")
    account["charges_enabled"] = "card_payments" in account["capabilities"]
    account["tos_acceptance"]["date"] = world.now
    if not account["external_accounts"]["data"]:
        account["external_accounts"]["data"] = [_bank(world, account)]
    world.put(account)
    _tell(world, account)


def require(
    world: World, account: Object, needed: list[str], *, reason: str = "requirements.past_due", by: int | None = None
) -> None:
    """Stripe wants to know more: by now, and until then there are no transfers and no payouts; or by some time.

    https://docs.stripe.com/connect/handling-api-verification
    """
    if by is not None:
        account["requirements"] = _requirements(needed) | {"current_deadline": by, "disabled_reason": None}
        world.put(account)
        _tell(world, account)
        return
    requirements = _requirements(needed, past=True) | {"disabled_reason": reason}
    account |= {"payouts_enabled": False, "charges_enabled": False, "requirements": requirements}
    account["capabilities"] = dict.fromkeys(account["capabilities"], "inactive")
    world.put(account)
    _tell(world, account)


def _ours(call: Call) -> Object:
    """https://docs.stripe.com/error-codes#account-invalid."""
    found = call.world.find(call.id)
    if found is None or found["object"] != "account":
        raise no_access(call.world, call.id)
    return found


def no_access(world: World, name: str) -> StripeError:
    """How Stripe words that an account is not one of ours, or no longer."""
    return StripeError(
        f"The provided key '{world.key[:12]}…' does not have access to account '{name}' (or that account does not "
        "exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def _tell(world: World, account: Object) -> None:
    """Connected accounts speak for themselves: https://docs.stripe.com/connect/webhooks."""
    emit(world.seen_by(account["id"]), "account.updated", account, {})


def _requested(asked: dict[str, Any]) -> list[str]:
    capabilities = asked.get("capabilities") or {}
    return [name for name, wish in capabilities.items() if wish.get("requested")]


def _change(account: Object, asked: dict[str, Any]) -> None:
    account["business_profile"] |= asked.get("business_profile") or {}
    for group, wishes in (asked.get("settings") or {}).items():
        only({group: wishes}, "payouts payments dashboard branding", "settings")
        for name, value in wishes.items():
            if isinstance(value, dict):
                account["settings"][group][name] |= value
            else:
                account["settings"][group][name] = value
    change_metadata(account, asked)


def _controller(kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked.get("controller") or {}
    only(wish, "fees losses requirement_collection stripe_dashboard", "controller")
    express = kind == "express"
    made: dict[str, Any] = {
        "fees": {"payer": "application_express" if express else "account"},
        "is_controller": True,
        "losses": {"payments": "application" if express else "stripe"},
        "requirement_collection": "stripe",
        "stripe_dashboard": {"type": "express" if express else "full"},
        "type": "application",
    }
    return made | wish


def _requirements(due: list[str], *, past: bool = False) -> dict[str, Any]:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": "requirements.past_due" if due else None,
        "errors": [],
        "eventually_due": due,
        "past_due": due if past else [],
        "pending_verification": [],
    }


def _settings(world: World) -> dict[str, Any]:
    blank = world.document.blank
    schedule = {"delay_days": 7, "interval": "daily"}
    return {
        "branding": blank("account_branding_settings"),
        "card_payments": blank("account_card_payments_settings"),
        "dashboard": blank("account_dashboard_settings"),
        "payments": blank("account_payments_settings"),
        "payouts": {"debit_negative_balances": True, "schedule": schedule, "statement_descriptor": None},
    }


def _bank(world: World, account: Object) -> dict[str, Any]:
    return world.document.blank("bank_account") | {
        "id": world.new_id("bank_account"),
        "account": account["id"],
        "bank_name": "STRIPE TEST BANK",
        "country": account["country"],
        "currency": account["default_currency"],
        "default_for_currency": True,
        "last4": "2606",
        "metadata": {},
        "status": "new",
    }
