"""A card on a page: ``{% load cards %}``, then ``{{ listing.card|card }}``."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from catalog import cards

register = template.Library()


@register.filter
def card(text: str) -> SafeString:
    """The HTML of a card's Markdown, cleaned."""
    return cards.html(text)
