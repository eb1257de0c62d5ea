"""Marking in what is found the words that found it, by the rules of the search itself: stems match, not letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# Control characters, which no text of ours has, around what is to be marked.
_OPEN, _CLOSE = "\x02", "\x03"
_HEADLINE = f"HighlightAll=true, StartSel={_OPEN}, StopSel={_CLOSE}"

# All words of the query count, those in quotation marks or after a minus too.
_ANY_WORD = "replace(plainto_tsquery('english', %s)::text, ' & ', ' | ')::tsquery"
_MARK = f"""
    SELECT ts_headline('english', text, {_ANY_WORD}, %s) FROM unnest(%s::text[]) WITH ORDINALITY AS each(text, place)
    ORDER BY place
"""  # noqa: S608
_MATCH = f"""
    SELECT place - 1 FROM unnest(%s::text[]) WITH ORDINALITY AS each(text, place)
    WHERE to_tsvector('english', text) @@ {_ANY_WORD} ORDER BY place
"""  # noqa: S608


def marked(words: str, texts: Sequence[str]) -> list[SafeString]:
    """``texts`` as HTML, with what ``words`` match in ``<mark>``."""
    if not words:
        return [escape(text) for text in texts]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [words, _HEADLINE, list(texts)])
        return [_html(text) for (text,) in cursor.fetchall()]


def matched(words: str, columns: Iterable[Mapping[str, str]]) -> list[int]:
    """The places of those of ``columns`` whose name or description ``words`` match."""
    texts = [f"{column['name'].replace('_', ' ')} {column.get('description') or ''}" for column in columns]
    if not words or not texts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_MATCH, [texts, words])
        return [place for (place,) in cursor.fetchall()]


def _html(text: str) -> SafeString:
    html = str(escape(text)).replace(_OPEN, "<mark>").replace(_CLOSE, "</mark>")
    return mark_safe(html)  # noqa: S308 (escaped above; only the marks are tags)
