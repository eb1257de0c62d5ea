"""Cards: Markdown becomes HTML that can only be read, whatever a seller writes."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import cards

ALLOWED = {
    *("p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr", "br", "a"),
    *("table", "thead", "tbody", "tr", "th", "td", "div"),
}
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://tracker.example/pixel.png)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "<javascript:alert(1)>",
    '[x](https://a.example "\\" onmouseover=alert(1) \\"")',
    "<a href='javascript:alert(1)'>x</a>",
    "<svg/onload=alert(1)>",
    "<iframe src=https://evil.example></iframe>",
    "<style>*{display:none}</style>",
    "<form action=https://evil.example><input name=password></form>",
    "<p style=position:fixed>over everything</p>",
    '<div class="note ok">Checked by Lookalike</div>',
    "```\n</code></pre><script>alert(1)</script>\n```",
    '```" onclick=alert(1)\nx\n```',
    "`<script>`",
    "| a |\n|:-:|\n| <img src=x onerror=alert(1)> |",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    '<math><mtext></table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "[x]: javascript:alert(1)\n\n[x]",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


class Reader(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def harmless(html: str) -> None:
    """Fail if anything in ``html`` could run, load, or look like the site's own."""
    for tag, attributes in Reader(html).tags:
        assert tag in ALLOWED, tag
        assert not any(name.startswith("on") or name in {"style", "id", "src"} for name in attributes), attributes
        if tag == "a":
            assert set(attributes) <= {"href", "title", "rel"}
            assert re.match(r"(https?:|mailto:|[^:]*$)", str(attributes.get("href", "")), re.IGNORECASE), attributes
        else:
            assert set(attributes) <= {"start", "class", "tabindex", "role", "aria-label"}
            assert attributes.get("class") in {None, "scroll", "well"}


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_a_card_says_can_run_or_load(text: str) -> None:
    harmless(cards.html(text))


@given(st.lists(st.sampled_from([*ATTACKS, "\n", "> ", "- ", "a", "|", "`", "*", "<", ">", '"'])).map("".join))
def test_no_mixture_of_attacks_gets_through(text: str) -> None:
    harmless(cards.html(text))


@given(st.text())
def test_any_text_makes_a_card(text: str) -> None:
    harmless(cards.html(text))


def test_a_card_has_headings_lists_links_code_and_tables() -> None:
    html = cards.html(
        "# Use\n\nFor *teaching* and **testing**, see [the paper](https://example.org/p).\n\n- one\n- two\n\n"
        "```\nread()\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    assert "<h3>Use</h3>" in html
    assert '<a href="https://example.org/p" rel="nofollow noopener ugc">the paper</a>' in html
    assert "<li>two</li>" in html
    assert "<td>2</td>" in html and html.count("</table></div>") == 1
    assert '<pre class="well" tabindex="0"><code>read()' in html


def test_headings_stay_below_that_of_the_section() -> None:
    html = cards.html("\n\n".join(f"{'#' * level} h{level}" for level in range(1, 7)))
    assert re.findall(r"<(h\d)>", html) == ["h3", "h4", "h5", "h6", "h6", "h6"]


def test_raw_html_is_shown_as_it_was_written() -> None:
    assert "&lt;b&gt;bold&lt;/b&gt;" in cards.html("<b>bold</b>")


def test_a_paragraph_break_is_one() -> None:
    assert cards.html("one\n\ntwo").count("<p>") == 2
