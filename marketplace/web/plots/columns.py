"""Plots of a column: its histogram, its values by name, the small plot of a table's head, a listing's thumbnails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from marketplace.web.plots.shapes import Categories, Histogram, Plot, cut, shares
from marketplace.web.plots.svg import axis, coordinate, fitted, framed, joined
from marketplace.web.templatetags.units import percent, thousands

_HEAD_HEIGHT = 44
_LEAST_BAR = 0.75
_MOST_BARS_IN_HEAD = 12
_ROW = 34


def histogram(plot: Histogram, *, name: str, label: str = "", height: int = 96) -> SafeString:
    """A column's histogram over its axis, with both ends written; ``height`` of the bars in pixels."""
    low, high = plot.ends
    ends = [(0.0, "start", low), (100.0, "end", f"{high}, log" if plot.log else high)]
    inner = fitted(_body(plot, height), height)
    return framed(inner + axis(height, ends), height + 20, label or plot.finding(name))


def category_bars(plot: Categories, *, name: str, label: str = "") -> SafeString:
    """A column's values as lying bars, each with its name and its count and share; what is not named comes last."""
    total = plot.total
    rows = [(value, count, "syn") for value, count in plot.items]
    if plot.other:
        rows.append(("other", plot.other, "k-other"))
    reference = shares(plot.reference or ())
    largest = max([count / total for _, count, _ in rows] + reference, default=0) if total else 0
    drawn = [
        _category_row(n, value, count, total, largest, colour, reference[n] if n < len(reference) else None)
        for n, (value, count, colour) in enumerate(rows)
    ]
    return framed(joined(drawn), max(1, len(rows)) * _ROW, label or plot.finding(name))


def column_head(plot: Plot, *, name: str, label: str = "") -> SafeString:
    """The small plot in the head of a table's column, and both ends beneath it."""
    low, high = plot.ends
    ends = format_html('<span class="span"><span>{}</span><span>{}</span></span>', low, high)
    return _small(plot, label or plot.finding(name)) + ends


def thumbnails(columns: Iterable[tuple[str, Plot]]) -> SafeString:
    """Up to four columns side by side, for the row of a listing."""
    shown = list(columns)[:4]
    figures = format_html_join(
        "", "<figure>{}<figcaption>{}</figcaption></figure>", ((_small(plot, ""), name) for name, plot in shown)
    )
    label = " ".join(plot.finding(name) for name, plot in shown)
    return format_html('<div class="thumb cols" role="img" aria-label="{}">{}</div>', label, figures)


def _small(plot: Plot, label: str) -> SafeString:
    """A plot without text, stretched to its place; without a label it is decoration."""
    said = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="plot" width="100%" height="{}" viewBox="0 0 100 {}" preserveAspectRatio="none" {}>{}</svg>',
        _HEAD_HEIGHT,
        _HEAD_HEIGHT,
        said,
        _body(plot, _HEAD_HEIGHT),
    )


def _body(plot: Plot, height: int) -> SafeString:
    """Bars and outline in a field 100 wide and ``height`` high."""
    if isinstance(plot, Histogram):
        return _steps(plot, height)
    counts = plot.counts[:_MOST_BARS_IN_HEAD]
    total, reference_total = plot.total, sum(plot.reference or ())
    made = [count / total if total else 0 for count in counts]
    reference = [count / reference_total for count in (plot.reference or ())[: len(counts)]] if reference_total else []
    top = max(made + reference, default=0)
    width = 100 / max(1, len(counts))
    bars = "".join(
        _bar(n * width + 1, (n + 1) * width - 1, _tall(share, top, height), height) for n, share in enumerate(made)
    )
    outlines = "".join(
        _bar(n * width + 1, (n + 1) * width - 1, _tall(share, top, height), height) for n, share in enumerate(reference)
    )
    return _paths(bars, outlines)


def _steps(plot: Histogram, height: int) -> SafeString:
    """Bars as high as their share over their drawn width, so that areas compare whatever the bins' widths."""
    places = _places(plot)
    widths = [max(b - a, 1e-9) for a, b in pairwise(places)]
    made = [share / width for share, width in zip(shares(plot.counts), widths, strict=True)]
    reference = [share / width for share, width in zip(shares(plot.reference or ()), widths, strict=False)]
    top = max(made + reference, default=0)
    gap = min(0.6, min(widths) * 0.06) if len(made) > 1 else 0
    bars = "".join(
        _bar(places[n] + gap, places[n + 1] - gap, _tall(share, top, height), height) for n, share in enumerate(made)
    )
    outline = ""
    if reference:
        steps = "".join(
            f"V{coordinate(height - _tall(s, top, height))}H{coordinate(places[n + 1])}"
            for n, s in enumerate(reference)
        )
        outline = f"M{coordinate(places[0])} {height}{steps}V{height}"
    return _paths(bars, outline)


def _places(plot: Histogram) -> list[float]:
    """The edges on the drawn axis, from 0 to 100."""
    edges = [math.log(edge) for edge in plot.edges] if plot.log else [float(edge) for edge in plot.edges]
    # Halved, because the difference of two large numbers may be too large for a number.
    span = edges[-1] / 2 - edges[0] / 2
    return [100 * ((edge / 2 - edges[0] / 2) / span) for edge in edges] if span else [0.0, 100.0]


def _paths(bars: str, outline: str) -> SafeString:
    drawn = format_html('<path class="syn" d="{}"/>', bars)
    return drawn + format_html('<path class="ref" d="{}"/>', outline) if outline else drawn


def _bar(left: float, right: float, tall: float, height: int) -> str:
    return f"M{coordinate(left)} {height}V{coordinate(height - tall)}H{coordinate(right)}V{height}Z" if tall else ""


def _tall(share: float, top: float, height: int) -> float:
    """The height of a bar; what is there is never drawn as nothing."""
    return max(_LEAST_BAR, (height - 2) * share / top) if share and top else 0.0


def _category_row(
    n: int, value: str, count: float, total: float, largest: float, colour: str, reference: float | None
) -> SafeString:
    top = n * _ROW
    share = count / total if total else 0
    width = 100 * share / largest if largest else 0
    said = f"{thousands(count)} · {percent(share)}"
    drawn = format_html(
        '<text class="on" x="0" y="{}">{}<title>{}</title></text><text x="100%" y="{}" text-anchor="end">{}</text>'
        '<line class="grid" x1="0" x2="100%" y1="{}" y2="{}"/><rect class="{}" x="0" y="{}" width="{}%" height="10"/>',
        top + 13,
        cut(value),
        value,
        top + 13,
        said,
        top + 28,
        top + 28,
        colour,
        top + 18,
        coordinate(width),
    )
    if reference is None or not largest:
        return drawn
    outline = coordinate(100 * reference / largest)
    return drawn + format_html('<rect class="ref" x="0" y="{}" width="{}%" height="10"/>', top + 18, outline)
