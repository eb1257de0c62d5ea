"""What a holder is told of a licence that gives nothing now: why that is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.text import capfirst

from catalog.models import Licence, LicenceSuspension

_REASON = LicenceSuspension.Reason

_TO_DO = {
    _REASON.DISPUTE: "The data may not be used meanwhile. The licence comes back by itself when the dispute is "
    "withdrawn or decided for the seller.",
    _REASON.REFUND: "The data may not be used meanwhile. The licence ends when the money is back, and comes back by "
    "itself if the refund fails.",
}
_TAKEN_BACK = (
    "The data may no longer be used: delete what was downloaded under it. To have it again, take a licence anew."
)
_OVER = "The data may no longer be used. To go on, take a licence anew."


@dataclass(frozen=True)
class Notice:
    """A title, why the licence gives nothing, and what to do."""

    title: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.title}. {self.why} {self.remedy}"


def notice(licence: Licence) -> Notice:
    """What is told of a licence that is not in force; one that still says so is over."""
    match licence.state:
        case Licence.State.SUSPENDED:
            reasons = list(dict.fromkeys(licence.suspensions.filter(lifted_at=None).values_list("reason", flat=True)))
            words = " and ".join(_REASON(reason).label for reason in reasons) or "its payment is being looked into"
            to_do = _TO_DO[_REASON(reasons[0])] if len(reasons) == 1 else _TO_DO[_REASON.DISPUTE]
            return Notice(f"The licence to {licence.dataset} is suspended", f"{capfirst(words)}.", to_do)
        case Licence.State.REVOKED:
            why = f"{capfirst(licence.get_revoked_for_display())}."
            return Notice(f"The licence to {licence.dataset} is revoked", why, _TAKEN_BACK)
        case _:
            ended = "" if licence.ends_at is None else f"It ended on {licence.ends_at:%-d %B %Y}."
            return Notice(f"The licence to {licence.dataset} is over", ended, _OVER)
