"""Numbers as people read them, each with its unit: ``{% load units %}``.

A value that is no number shows as an empty text, as Django's own filters do: a page about data never fails on a figure.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.template.defaultfilters import stringfilter
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_BYTES = ("bytes", "kB", "MB", "GB", "TB", "PB")


@register.filter(name="bytes")
def bytes_(value: Any) -> str:
    """A size in decimal units: ``21.6 MB``, ``999 bytes``; three figures at most."""
    number = _number(value)
    if number is None:
        return ""
    step = 0
    while step + 1 < len(_BYTES) and abs(number) >= 999.5:
        number /= 1000
        step += 1
    if step == 0:
        return "1 byte" if number == 1 else f"{number:.0f} bytes"
    return f"{_three_figures(number)} {_BYTES[step]}"


@register.filter
def money(minor: Any, currency: str = "EUR") -> str:
    """A price in minor units as people write it: ``€432.00``, ``free`` at 0, ``432.00 CHF`` in other currencies."""
    return "free" if _number(minor) == 0 else amount(minor, currency)


@register.filter
def amount(minor: Any, currency: str = "EUR") -> str:
    """An amount in minor units as people write it: ``€432.00``, ``€0.00``, ``-€12.50``, ``432.00 CHF``."""
    number = _number(minor)
    if number is None:
        return ""
    written = f"{Decimal(abs(int(number))) / 100:,.2f}"
    return ("-" if number < 0 else "") + (f"€{written}" if currency == "EUR" else f"{written} {currency}")


@register.filter
def duration(value: Any) -> str:
    """Seconds or a timedelta in its two largest units: ``2 min 54 s``, ``3 h 5 min``, ``4 days 2 h``, ``0.4 s``."""
    seconds = _number(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds is None or seconds < 0:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    minutes, seconds_left = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return _two(days, "day" if days == 1 else "days", hours_left, "h")
    if hours:
        return _two(hours, "h", minutes_left, "min")
    if minutes:
        return _two(minutes, "min", seconds_left, "s")
    return f"{whole} s"


@register.filter
def thousands(value: Any) -> str:
    """A number with a comma every three digits, a fraction with six figures at most: ``1,000,000``, ``0.0099``."""
    number = _number(value)
    if number is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        return f"{int(value):,}"
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    if abs(number) >= 1e15 or abs(number) < 1e-6:
        return f"{number:.6g}"
    rounded = float(f"{number:.6g}")
    decimals = max(0, 5 - math.floor(math.log10(abs(rounded))))
    words = f"{rounded:,.{decimals}f}"
    return words.rstrip("0").rstrip(".") if decimals else words


@register.filter
def percent(value: Any) -> str:
    """A share as a percentage: 0.0099 is ``0.99 %``; three figures at most, and never a false 0 or 100."""
    share = _number(value)
    if share is None:
        return ""
    number = share * 100
    if 0 < number < 0.01:
        return "under 0.01 %"
    if 99.995 <= number < 100:
        return "over 99.99 %"
    if 99.5 <= number < 100 or number < 1:
        return f"{number:.2f}".rstrip("0").rstrip(".") + " %"
    return f"{_three_figures(number)} %"


@register.filter
@stringfilter
def short_digest(value: str) -> str:
    """The first twelve and the last seven digits of a digest: ``a5b658b37b52…9000edb``; a short text stays whole."""
    return value if len(value) <= 20 else f"{value[:12]}…{value[-7:]}"


@register.filter
def setting(value: Any) -> str:
    """A setting of any JSON type as people write it: ``DE, FR``, ``0.004``, ``yes``, ``none``."""
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return thousands(value)
    if isinstance(value, list):
        return ", ".join(setting(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {setting(each)}" for name, each in value.items())
    return str(value)


@register.filter
def utc(value: Any) -> SafeString | str:
    """A moment as ``24 November 2026, 14:01 UTC`` in a ``<time>`` element; a naive datetime counts as UTC."""
    if not isinstance(value, datetime):
        return ""
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    words = f"{moment.day} {moment:%B %Y, %H:%M} UTC"
    return format_html('<time datetime="{}">{}</time>', f"{moment:%Y-%m-%dT%H:%M:%SZ}", words)


@register.filter
def utc_clock(value: Any) -> SafeString | str:
    """The time of day of a moment, ``14:07:44``, in a ``<time>`` element, for logs whose day is said elsewhere."""
    if not isinstance(value, datetime):
        return ""
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%H:%M:%S}")


def _number(value: Any) -> float | None:
    """``value`` as a finite float, or None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _three_figures(number: float) -> str:
    """``number`` (under 1,000) with three significant figures, without zeros at the end: 21.6, 361, 1.05, 9."""
    decimals = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    words = f"{number:.{decimals}f}"
    return words.rstrip("0").rstrip(".") if "." in words else words


def _two(first: int, first_unit: str, second: int, second_unit: str) -> str:
    return f"{first:,} {first_unit} {second} {second_unit}" if second else f"{first:,} {first_unit}"
