"""Letters from templates, as text and as HTML; both extend ``mail/base``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from marketplace.mail import outbox


def write(template: str, *, to: str, subject: str, **context: Any) -> None:
    """Have the letter ``{template}.txt`` and ``{template}.html`` sent to ``to``. Called in a transaction."""
    shown = {"PUBLIC_URL": settings.PUBLIC_URL, **context}
    text, html = (render_to_string(f"{template}.{kind}", shown) for kind in ("txt", "html"))
    outbox.put(to=to, subject=subject, text=text, html=html)
