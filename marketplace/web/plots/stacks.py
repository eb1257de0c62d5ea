"""Amounts side by side, each made of parts: standing bars over an axis from zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.web.plots.shapes import Stacks
from marketplace.web.plots.svg import coordinate, framed, joined
from marketplace.web.templatetags.units import thousands

_LEFT = 7.0  # per cent, for the words of the scale
_MOST_LINES = 5
_KINDS = 5

Words = Callable[[float], str]


def stacked_bars(plot: Stacks, *, label: str, words: Words = thousands, height: int = 180) -> SafeString:
    """A bar for each name, its parts one upon the other, over lines at round amounts; ``words`` writes an amount."""
    step = _step(max(plot.totals, default=0))
    top = step * max(1, math.ceil(max(plot.totals, default=0) / step))

    def down(amount: float) -> float:
        return height - height * amount / top

    lines = joined(
        format_html(
            '<line class="grid" x1="0" x2="100%" y1="{}" y2="{}"/><text x="0" y="{}">{}</text>',
            coordinate(down(n * step)),
            coordinate(down(n * step)),
            coordinate(down(n * step) - 4),
            words(n * step),
        )
        for n in range(1, round(top / step) + 1)
    )
    base = format_html(
        '<line class="axis" x1="0" x2="100%" y1="{}" y2="{}"/><text x="0" y="{}">{}</text>',
        height,
        height,
        height - 4,
        words(0),
    )
    bars = joined(_bars(plot, down))
    # Room above for the words of the highest line.
    content = format_html('<svg y="18" overflow="visible">{}{}{}{}</svg>', lines, base, bars, _names(plot, height))
    return framed(content, height + 40, label)


def key_of_stacks(plot: Stacks) -> SafeString:
    """The key to the parts of the bars."""
    lines = (
        format_html(
            '<li><svg width="20" height="10" aria-hidden="true"><rect class="k{}" width="20" height="10"/></svg>'
            " {}</li>",
            n % _KINDS + 1,
            name,
        )
        for n, (name, _) in enumerate(plot.parts)
    )
    return format_html('<ul class="key" aria-label="Key to the bars">{}</ul>', joined(lines))


def _bars(plot: Stacks, down: Callable[[float], float]) -> Iterator[SafeString]:
    width = (100 - _LEFT) / max(1, len(plot.names))
    for n in range(len(plot.names)):
        below = 0.0
        for kind, (_, amounts) in enumerate(plot.parts):
            if amounts[n]:
                # What is there is never drawn as nothing.
                tall = max(0.75, down(below) - down(below + amounts[n]))
                yield format_html(
                    '<rect class="k{}" x="{}%" y="{}" width="{}%" height="{}"/>',
                    kind % _KINDS + 1,
                    coordinate(_LEFT + (n + 0.19) * width),
                    coordinate(down(below) - tall),
                    coordinate(0.62 * width),
                    coordinate(tall),
                )
            below += amounts[n]


def _names(plot: Stacks, height: int) -> SafeString:
    width = (100 - _LEFT) / max(1, len(plot.names))
    return joined(
        format_html(
            '<text x="{}%" y="{}" text-anchor="middle">{}</text>',
            coordinate(_LEFT + (n + 0.5) * width),
            height + 18,
            name,
        )
        for n, name in enumerate(plot.names)
    )


def _step(most: float) -> float:
    """The least of 1, 2, 5 × 10ⁿ that reaches ``most`` in five lines."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most / _MOST_LINES))
    return next(step * power for step in (1, 2, 5, 10) if step * power * _MOST_LINES >= most * (1 - 1e-12))
