"""The pieces that every plot is drawn from: a frame as wide as its place, an axis, a coordinate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def framed(content: SafeString, height: int, label: str) -> SafeString:
    """A plot as wide as its place and ``height`` pixels high."""
    return format_html(
        '<svg class="plot" width="100%" height="{}" role="img" aria-label="{}">{}</svg>', height, label, content
    )


def fitted(content: SafeString, height: int) -> SafeString:
    """``content``, drawn 100 wide and ``height`` high, stretched across."""
    return format_html(
        '<svg width="100%" height="{}" viewBox="0 0 100 {}" preserveAspectRatio="none">{}</svg>',
        height,
        height,
        content,
    )


def axis(height: int, ends: Sequence[tuple[float, str, str]]) -> SafeString:
    """A line at ``height`` with words under it: (per cent across, start or end, word)."""
    line = format_html('<line class="axis" x1="0" x2="100%" y1="{}" y2="{}"/>', height, height)
    words = (
        format_html('<text x="{}%" y="{}" text-anchor="{}">{}</text>', coordinate(x), height + 15, anchor, word)
        for x, anchor, word in ends
    )
    return line + joined(words)


def joined(pieces: Iterable[SafeString]) -> SafeString:
    """Pieces of SVG, one after the other."""
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def coordinate(number: float) -> str:
    """A coordinate with two decimals at most."""
    return f"{number:.2f}".rstrip("0").rstrip(".") or "0"
