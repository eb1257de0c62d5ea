"""What Stripe says when it refuses. Shapes and codes: https://docs.stripe.com/api/errors and
https://docs.stripe.com/error-codes."""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """A refusal as the API words it. ``keep``: what was done before it stays done, as when a card is declined."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        keep: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.kind, self.code, self.param = message, status, kind, code, param
        self.keep, self.more = keep, more

    def body(self) -> dict[str, Any]:
        """The answer's body."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error | {name: value for name, value in self.more.items() if value is not None}}


def missing(kind: str, name: str, *, param: str, in_path: bool = False) -> StripeError:
    """There is no such object; 404 when the path names it."""
    return StripeError(
        f"No such {kind.replace('.', '_')}: '{name}'",
        status=404 if in_path else 400,
        code="resource_missing",
        param=param,
    )


def unexpected_state(kind: str, message: str, **more: Any) -> StripeError:
    """The object is not in a state for this."""
    return StripeError(message, code=f"{kind}_unexpected_state", **more)


def card_error(message: str, *, code: str, decline_code: str | None = None, **more: Any) -> StripeError:
    """The bank said no. What was tried stays on record: https://docs.stripe.com/declines."""
    return StripeError(message, status=402, kind="card_error", code=code, decline_code=decline_code, keep=True, **more)


def unsupported(what: str, *, param: str | None = None) -> StripeError:
    """Stripe can, the stand-in cannot: never to be mistaken for a success."""
    return StripeError(
        f"This is a stand-in for Stripe, which does not know {what}. Teach it, or run against Stripe's test mode.",
        status=400,
        code="stand_in_unsupported",
        param=param,
    )
