"""What a browser would send for the form of a page: controls read from the HTML as the HTML standard says."""

from __future__ import annotations

from html.parser import HTMLParser

from django.http import QueryDict


class _Controls(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._textarea: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag == "input" and name:
            if given.get("type") in {"checkbox", "radio"}:
                if "checked" in given:
                    self.sent.append((name, given.get("value") or "on"))
            else:
                self.sent.append((name, (given.get("value") or "").replace("\n", "").replace("\r", "")))
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option":
            self._options.append((given.get("value") or "", "selected" in given))
        elif tag == "textarea":
            self._textarea, self._text = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            chosen = [value for value, selected in self._options if selected]
            self.sent.append((self._select, chosen[-1] if chosen else self._options[0][0]))
        if tag == "textarea" and self._textarea:
            self.sent.append((self._textarea, self._text.removeprefix("\n").replace("\n", "\r\n")))
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._text += data


def sent_by(html: str) -> QueryDict:
    """The data that a browser posts for all controls in ``html`` as they stand."""
    parser = _Controls()
    parser.feed(html)
    data = QueryDict(mutable=True)
    for name, text in parser.sent:
        data.appendlist(name, text)
    return data
