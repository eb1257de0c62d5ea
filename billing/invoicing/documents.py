"""An invoice or a credit note as people read it: the same words on the page and on paper.

The PDF is drawn from the row alone, so the same row gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from billing.invoicing import countries
from billing.models import Invoice
from marketplace.web import typesetting
from marketplace.web.templatetags.units import amount
from marketplace.web.typesetting import BOLD, INK, INK_2, INK_3, REGULAR, RULE

_DEMO: Final = "Demonstration: payments are simulated and this is no invoice."
_REVERSE_CHARGE: Final = (
    "Reverse charge: the recipient owes the value-added tax (Articles 44 and 196 of Directive 2006/112/EC)."
)
_MARGIN: Final = 22 * mm
_SIDE: Final = A4[0] - 2 * _MARGIN
#: What reportlab keeps free around its frame.
_PADDING: Final = 6

_TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=9.5, leading=13, textColor=INK)
_SOFT = ParagraphStyle("soft", parent=_TEXT, textColor=INK_2)
_LABEL = ParagraphStyle("label", parent=_TEXT, fontSize=8, leading=11, textColor=INK_3)
_TITLE = ParagraphStyle("title", parent=_TEXT, fontName=BOLD, fontSize=19, leading=24)
_RIGHT = ParagraphStyle("right", parent=_TEXT, alignment=TA_RIGHT)
_RIGHT_LABEL = ParagraphStyle("right label", parent=_LABEL, alignment=TA_RIGHT)
_TOTAL = ParagraphStyle("total", parent=_TEXT, fontName=BOLD, fontSize=11, leading=15)
_RIGHT_TOTAL = ParagraphStyle("right total", parent=_TOTAL, alignment=TA_RIGHT)


@dataclass(frozen=True)
class _Words:
    """How a kind of document speaks of itself."""

    title: str
    moved: str
    total: str
    how: str


_WORDS: Final = {
    Invoice.Kind.INVOICE: _Words(
        "Invoice", "Paid and supplied", "Total", "Paid by card through Stripe. Nothing is left to pay."
    ),
    Invoice.Kind.CREDIT: _Words("Credit note", "Paid back", "Credited", "It went back to where it was paid from."),
    Invoice.Kind.RECALL: _Words(
        "Cancellation", "Came back", "No longer credited", "The refund failed, so the credit note does not count."
    ),
}
_CALLED_BACK: Final = _Words(
    "Credit note", "Taken back", "Credited", "The bank of whoever paid took it back, and the dispute is decided."
)


@dataclass(frozen=True)
class ShownLine:
    """One line, as text."""

    description: str
    net: str
    rate: str
    tax: str
    gross: str


@dataclass(frozen=True)
class Document:
    """All that is read on it, in the order of reading. ``facts``, ``parts`` and the ``whole`` are names and values."""

    title: str
    warning: str
    seller: Sequence[str]
    buyer: Sequence[str]
    facts: Sequence[tuple[str, str]]
    lines: Sequence[ShownLine]
    parts: Sequence[tuple[str, str]]
    whole: tuple[str, str]
    notes: Sequence[str]


def document(invoice: Invoice) -> Document:
    """What ``invoice`` says. Needs what it corrects, if it is a credit note."""
    words = _CALLED_BACK if invoice.dispute_id else _WORDS[Invoice.Kind(invoice.kind)]
    facts = [("Number", invoice.number), ("Date", _day(invoice.issued_at)), (words.moved, _day(invoice.paid_at))]
    if invoice.corrects:
        of = invoice.corrects
        facts.append(("Corrects", f"{of.get_kind_display()} {of.number} of {_day(of.issued_at)}"))
    if invoice.purchase_order:
        facts.append(("Your purchase order", invoice.purchase_order))
    facts.append(("Payment", str(invoice.payment_id)))
    return Document(
        title=f"{words.title} {invoice.number}",
        warning=_DEMO if invoice.issuer.get("demo") else "",
        seller=_party(invoice.issuer),
        buyer=_party(invoice.buyer),
        facts=facts,
        lines=[_shown(line, invoice.currency) for line in invoice.lines],
        parts=[
            ("Without tax", amount(invoice.net, invoice.currency)),
            ("Tax", amount(invoice.tax, invoice.currency)),
        ],
        whole=(words.total, amount(invoice.gross, invoice.currency)),
        notes=[*([_REVERSE_CHARGE] if invoice.reverse_charge else []), words.how],
    )


def pdf(invoice: Invoice) -> bytes:
    """``invoice`` on paper, A4, with its fonts in it."""
    typesetting.load_fonts()
    shown = document(invoice)
    target = io.BytesIO()
    template = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=_MARGIN - _PADDING,
        rightMargin=_MARGIN - _PADDING,
        topMargin=36 * mm,
        bottomMargin=26 * mm,
        title=shown.title,
        author=invoice.issuer["name"],
        lang="en",
        invariant=1,
    )

    def frame(canvas: Any, page: SimpleDocTemplate) -> None:
        typesetting.wordmark(canvas, _MARGIN, A4[1] - 22 * mm)
        canvas.setFont(REGULAR, 8)
        canvas.setFillColor(INK_3)
        canvas.drawString(_MARGIN, 14 * mm, f"{shown.title}, {invoice.issuer['name']}")
        canvas.drawRightString(A4[0] - _MARGIN, 14 * mm, f"page {page.page}")

    template.build(_story(shown), onFirstPage=frame, onLaterPages=frame)
    return target.getvalue()


def _story(shown: Document) -> list[Flowable]:
    parties = Table(
        [[_words("From", _LABEL), _words("To", _LABEL)], [_block(shown.seller), _block(shown.buyer)]],
        colWidths=[_SIDE / 2, _SIDE / 2],
        style=_PLAIN,
    )
    facts = Table(
        [[_words(name, _LABEL), _words(value)] for name, value in shown.facts],
        colWidths=[38 * mm, _SIDE - 38 * mm],
        style=_PLAIN,
    )
    notes = [flowable for note in shown.notes for flowable in (Spacer(0, 2 * mm), _words(note, _SOFT))]
    return [
        _words(shown.title, _TITLE),
        *([_words(shown.warning, _SOFT)] if shown.warning else []),
        Spacer(0, 6 * mm),
        parties,
        Spacer(0, 8 * mm),
        facts,
        Spacer(0, 8 * mm),
        _lines(shown.lines),
        _totals(shown),
        Spacer(0, 6 * mm),
        *notes,
    ]


def _lines(lines: Sequence[ShownLine]) -> Table:
    head = [_words("What", _LABEL), *(_words(word, _RIGHT_LABEL) for word in ("Without tax", "Rate", "Tax", "Total"))]
    rows = [
        [_words(line.description), *(_words(part, _RIGHT) for part in (line.net, line.rate, line.tax, line.gross))]
        for line in lines
    ]
    figures = [24 * mm, 16 * mm, 20 * mm, 26 * mm]
    style = TableStyle(
        [*_PLAIN.getCommands(), ("LINEABOVE", (0, 0), (-1, 0), 1.5, INK), ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE)]
    )
    return Table([head, *rows], colWidths=[_SIDE - sum(figures), *figures], repeatRows=1, style=style)


def _totals(shown: Document) -> Table:
    rows = [[_words(name), _words(value, _RIGHT)] for name, value in shown.parts]
    rows.append([_words(shown.whole[0], _TOTAL), _words(shown.whole[1], _RIGHT_TOTAL)])
    style = TableStyle([*_PLAIN.getCommands(), ("LINEABOVE", (0, -1), (-1, -1), 1, INK)])
    return Table(rows, colWidths=[46 * mm, 40 * mm], hAlign="RIGHT", spaceBefore=2 * mm, style=style)


def _words(text: str, style: ParagraphStyle = _TEXT) -> Paragraph:
    return Paragraph(escape(text), style)


def _block(lines: Sequence[str]) -> Paragraph:
    first, *rest = lines
    return Paragraph("<br/>".join([f"<b>{escape(first)}</b>", *map(escape, rest)]), _TEXT)


def _party(party: Mapping[str, Any]) -> list[str]:
    country = countries.NAMES.get(party["country"], party["country"])
    tax_id = f"VAT or tax id {party['tax_id']}" if party["tax_id"] else ""
    return [line for line in (party["name"], *party["address"], country, tax_id) if line]


def _shown(line: Mapping[str, Any], currency: str) -> ShownLine:
    net, tax, gross = (amount(line[part], currency) for part in ("net", "tax", "gross"))
    rate = "" if line["rate"] is None else f"{line['rate'] / 100:g} %"
    return ShownLine(line["description"], net, rate, tax, gross)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


_PLAIN = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)
