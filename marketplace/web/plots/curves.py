"""A measure over shares, such as what a model gains or loses as more and more of its rows are made."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from marketplace.web.plots.shapes import Curve
from marketplace.web.plots.svg import axis, coordinate, fitted, framed, joined
from marketplace.web.templatetags.units import percent, thousands

_ROOM = 20  # above the highest point, for words


def curve(plot: Curve, *, name: str, low: str = "0 %", high: str = "100 %", height: int = 132) -> SafeString:
    """Points joined by a line, the level beside them as an outline, the best point with its share and its value.

    ``low`` and ``high`` are the words at both ends of the axis.
    """
    least, most = plot.ends

    def down(value: float) -> float:
        return _ROOM + (height - _ROOM - 8) * (most - value) / (most - least)

    line = " ".join(f"{coordinate(100 * place)},{coordinate(down(value))}" for place, value in plot.points)
    drawn = fitted(format_html('<polyline class="over" points="{}"/>', line), height)
    dots = joined(
        format_html(
            '<circle class="{}" cx="{}%" cy="{}" r="{}"/>',
            "syn best" if n == plot.best else "syn",
            coordinate(100 * place),
            coordinate(down(value)),
            6 if n == plot.best else 3.5,
        )
        for n, (place, value) in enumerate(plot.points)
    )
    under = axis(height, [(0.0, "start", low), (100.0, "end", high)])
    return framed(_level(plot, down) + drawn + dots + _best(plot, down) + under, height + 20, plot.finding(name))


def _level(plot: Curve, down: Callable[[float], float]) -> SafeString:
    if plot.reference is None:
        return mark_safe("")
    y = down(plot.reference)
    return format_html(
        '<line class="ref" x1="0" x2="100%" y1="{}" y2="{}"/>'
        '<text class="on" x="100%" y="{}" text-anchor="end">{}</text>',
        coordinate(y),
        coordinate(y),
        coordinate(y - 6),
        thousands(round(plot.reference, 3)),
    )


def _best(plot: Curve, down: Callable[[float], float]) -> SafeString:
    """The words at the best point, on the side that has room."""
    if plot.best is None:
        return mark_safe("")
    place, value = plot.points[plot.best]
    anchor, shift = ("start", 10) if place <= 0.5 else ("end", -10)
    return format_html(
        '<text class="strong" x="{}%" dx="{}" y="{}" text-anchor="{}">{} at {}</text>',
        coordinate(100 * place),
        shift,
        coordinate(down(value) + 16),
        anchor,
        thousands(round(value, 3)),
        percent(place),
    )
