"""Contrary mode: all that Stripe's documentation does not forbid, done at once.

What a program must bear by https://docs.stripe.com/upgrades (new fields, other lengths of ids),
https://docs.stripe.com/api/pagination (pages shorter than asked for) and https://docs.stripe.com/webhooks (events late
and in any order). One thing more, which other servers that speak this API do: objects are not expanded when asked.
"""

from __future__ import annotations

from typing import Any

_UNHEARD_OF = {"unheard_of": {"since": "tomorrow", "list": [None, 1, "x"]}}


def adorned(shown: Any) -> Any:
    """The same answer with fields that nobody has heard of."""
    if isinstance(shown, list):
        return [adorned(item) for item in shown]
    if not isinstance(shown, dict):
        return shown
    inner = {name: value if name == "metadata" else adorned(value) for name, value in shown.items()}
    return inner | _UNHEARD_OF if "object" in shown or "error" in shown else inner
