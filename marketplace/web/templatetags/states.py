"""The mark of a state, a shape and a word: ``{% load states %}``, then ``{% state order.state %}``.

Ring: not yet. Half: under way. Disc: done. Cross: failed. The word is always there; colour is never alone.
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_MARKS = {"ring": "idle", "half": "warn half", "disc": "ok done", "cross": "bad cross"}

#: The states that the house's machines have, and the mark that each one is shown by.
_STATES_OF_MARK = {
    "ring": "draft announced quoted planned waiting expired lapsed closed yanked withdrawn cancelled revoked open",
    "half": "authorised in_production preparing generating assembling assessing settling payment_due leased running "
    "requested appealed answered onboarding releasable upheld restricted held awaiting_payment submitted refunding "
    "disputed",
    "disc": "ready delivered done on_shelf in_force made passed approved resolved active transferred lifted paid "
    "fulfilled succeeded won",
    "cross": "failed declined refused lost charged_back",
}
_MARK_OF = {state: mark for mark, states in _STATES_OF_MARK.items() for state in states.split()}


@register.simple_tag(name="state")
def state_mark(name: str, word: str = "", mark: str = "") -> SafeString:
    """The mark and the word of a state.

    ``word`` replaces the state's own name (``in_production`` reads "in production"); ``mark`` (ring, half, disc, cross)
    overrides the table, and an unknown state is a ring. Raises ValueError for another mark.
    """
    chosen = mark or _MARK_OF.get(str(name), "ring")
    if chosen not in _MARKS:
        raise ValueError(f"{chosen} is no mark; the marks are {', '.join(_MARKS)}")
    return format_html('<span class="state {}">{}</span>', _MARKS[chosen], word or str(name).replace("_", " "))
