"""Cards: what a seller says of a dataset, Markdown in, HTML out that can do nothing but be read.

Markdown is CommonMark with tables, without raw HTML; what comes of it is cleaned again by a list of what is allowed, so
that neither parser has to be trusted alone. Pictures are left out: they would tell another server who reads the page.
"""

from __future__ import annotations

from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

#: The longest card, in characters.
LONGEST: Final = 20_000

_TAGS = {
    *("p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr", "br", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
#: A card stands under a heading of the second level.
_HEADINGS_BELOW = 2
_LOWEST_HEADING = 6
_LINKS = {"http", "https", "mailto"}
_SCROLLS: Final = {
    "<table>": '<div class="scroll" tabindex="0" role="region" aria-label="Table, scrolls sideways"><table>',
    "</table>": "</table></div>",
    "<pre>": '<pre class="well" tabindex="0">',
}


def html(text: str) -> SafeString:
    """The HTML of a card. Nothing in ``text`` makes this fail, and nothing in it runs, loads or looks like our own."""
    tokens = _markdown().parse(text[:LONGEST])
    _lower_headings(tokens)
    markdown = _markdown()
    rendered = markdown.renderer.render(tokens, markdown.options, {})
    cleaned = nh3.clean(
        rendered,
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=_LINKS,
        link_rel="nofollow noopener ugc",
    )
    # Text has no "<" of its own any more, so these are the tags and nothing else.
    for plain, scrolling in _SCROLLS.items():
        cleaned = cleaned.replace(plain, scrolling)
    return mark_safe(cleaned)  # noqa: S308 (cleaned above)


def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _lower_headings(tokens: list[Token]) -> None:
    """Set headings below that of the section they stand in, so that the page's outline stays whole."""
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = min(int(token.tag[1:]) + _HEADINGS_BELOW, _LOWEST_HEADING)
            token.tag = f"h{level}"
