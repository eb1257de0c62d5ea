"""Small marks beside text: a digest as cells, a measure on its track."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from marketplace.web.plots.shapes import Gauge
from marketplace.web.plots.svg import coordinate
from marketplace.web.templatetags.units import thousands


def digest_cells(digest: str) -> SafeString:
    """The first 32 bits of a SHA-256 in hexadecimal as 16 × 2 squares, beside the digest in text, which is the fact.

    Raises ValueError for what is not hexadecimal or too short.
    """
    head = bytes.fromhex(digest[:8])
    if len(head) < 4:
        raise ValueError("a digest has at least eight hexadecimal digits")
    bits = "".join(f"{byte:08b}" for byte in head)
    cells = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="5" height="5"/>',
        (("one" if bit == "1" else "zero", (n % 16) * 7, n // 16 * 7) for n, bit in enumerate(bits)),
    )
    return format_html(
        '<svg class="digest" width="110" height="12" viewBox="0 0 110 12" aria-hidden="true">{}</svg>', cells
    )


def gauge(measure: Gauge, *, name: str, label: str = "", ends: bool = True) -> SafeString:
    """A track with the yardstick as a ring and the value as a disc; ``ends`` writes both ends beside it.

    An interval lies on the track as a bar, further yardsticks stand on it as strokes.
    """
    value = _on_track(measure, measure.value)
    marks = format_html('<circle class="disc{}" cx="{}%" cy="8" r="4.5"/>', " watch" if measure.watch else "", value)
    if measure.reference is not None:
        yardstick = _on_track(measure, measure.reference)
        line = format_html('<line class="gap" x1="{}%" x2="{}%" y1="8" y2="8"/>', yardstick, value)
        marks = line + format_html('<circle class="ring" cx="{}%" cy="8" r="6"/>', yardstick) + marks
    marks = _strokes(measure) + marks
    track = format_html('<line class="span" x1="0" x2="100%" y1="8" y2="8"/>{}', marks)
    words = label or measure.finding(name)
    svg = format_html('<svg class="gauge" width="100%" height="16" role="img" aria-label="{}">{}</svg>', words, track)
    if not ends:
        return svg
    low, high = thousands(measure.low), thousands(measure.high)
    return format_html('<div class="scale"><span>{}</span>{}<span>{}</span></div>', low, svg, high)


def _strokes(measure: Gauge) -> SafeString:
    """The interval, and the yardsticks beside the first."""
    drawn = format_html_join(
        "",
        '<line class="stroke" x1="{}%" x2="{}%" y1="2" y2="14"/>',
        ((_on_track(measure, value), _on_track(measure, value)) for _, value in measure.marks),
    )
    if measure.interval is None:
        return drawn
    low, high = (_on_track(measure, bound) for bound in measure.interval)
    return drawn + format_html('<line class="between" x1="{}%" x2="{}%" y1="8" y2="8"/>', low, high)


def _on_track(measure: Gauge, value: float) -> str:
    return coordinate(min(100.0, max(0.0, 100 * (value - measure.low) / (measure.high - measure.low))))
