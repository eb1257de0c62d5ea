"""A licence on paper: a PDF that says what the certificate says, and carries it. The same licence, the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from unicodedata import normalize

from django.conf import settings
from django.urls import reverse
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from catalog import certificates
from catalog.models import Certificate, Licence
from catalog.models.terms import QUESTIONS
from marketplace.web import typesetting
from marketplace.web.templatetags.units import bytes_, money
from marketplace.web.typesetting import BOLD, INK, INK_3, REGULAR, RULE

_MARGIN = 20 * mm
_LABELS = 45 * mm
_QR = 34 * mm

_BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=13, alignment=TA_LEFT, textColor=INK)
_LABEL = ParagraphStyle("label", _BODY, textColor=INK_3)
_TITLE = ParagraphStyle("title", _BODY, fontName=BOLD, fontSize=18, leading=24)
_HEADING = ParagraphStyle("heading", _BODY, fontName=BOLD, fontSize=11, leading=16, spaceBefore=5 * mm)
_TOKEN = ParagraphStyle("token", _BODY, fontName="Courier", fontSize=6.5, leading=8, wordWrap="CJK")


def document(certificate: Certificate) -> bytes:
    """The licence of ``certificate`` as a PDF: parties, dataset, terms, answers, and the certificate as text."""
    typesetting.load_fonts()
    said = certificates.claims(certificate)
    licence = Licence.objects.select_related("terms", "dataset").get(id=certificate.licence_id)
    body = io.BytesIO()
    # ``invariant`` keeps the clock and a random id out of the file.
    page = SimpleDocTemplate(
        body,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=f"Licence {licence.id}",
        author="Lookalike",
        subject=f"{said['licence']['title']}: {said['dataset']['name']} {said['dataset']['version']}",
        invariant=1,
    )
    page.build(_story(certificate, licence, said))
    return body.getvalue()


def verify_address(licence: Licence) -> str:
    """Where anyone sees whether the licence is in force today."""
    return settings.PUBLIC_URL + reverse("catalog:verify-one", args=[licence.id])


def _story(certificate: Certificate, licence: Licence, said: dict[str, Any]) -> list[Flowable]:
    terms, dataset = said["licence"], said["dataset"]
    story: list[Flowable] = [
        _paragraph(f"Licence to {licence.dataset.title}", _TITLE),
        _facts(_parties(licence, said)),
        Paragraph("What it covers", _HEADING),
        _facts(
            [
                ("Dataset", dataset["name"]),
                ("Version", f"{dataset['version']}{' and later ones' if terms['laterVersions'] else ''}"),
                ("Manifest, SHA-256", dataset["manifest"]),
                ("Data", f"{dataset['files']:,} files, {bytes_(dataset['bytes'])}"),
                ("Made by", f"{said['generator']['name']} {said['generator']['version']}"),
            ]
        ),
        Paragraph("Terms", _HEADING),
        *(_paragraph(part, _BODY) for part in licence.terms.text.splitlines() if part.strip()),
        Spacer(1, 3 * mm),
        _facts(
            [(question, "yes" if terms["answers"][name] else "no") for name, question in QUESTIONS.items()], 100 * mm
        ),
        Paragraph("Is it in force today?", _HEADING),
        _in_force(licence),
        Paragraph("Certificate", _HEADING),
        Paragraph(certificate.token, _TOKEN),
    ]
    return story


def _parties(licence: Licence, said: dict[str, Any]) -> list[tuple[str, str]]:
    terms, holder, purchase = said["licence"], said["licensee"], said["purchase"]
    paid = "nothing" if purchase is None else money(purchase["amount"], purchase["currency"])
    number = f"{terms['title']}, terms {terms['number']}{' of ' + terms['by'] if terms['by'] else ''}"
    found = [
        ("Licence", said["jti"]),
        ("Licensee", f"{holder['name']} ({holder['account']})"),
        ("People", f"{terms['seats']:,}" if terms["seats"] else "all of the account"),
        ("Under", f"{number}, SHA-256 {terms['sha256']}"),
        ("Since", _moment(said["nbf"])),
        ("Ends", _moment(said["exp"]) if "exp" in said else "never"),
        ("Paid", paid),
    ]
    return found if purchase is None else [*found, ("Purchase", purchase["id"])]


def _in_force(licence: Licence) -> Table:
    code = QrCodeWidget(verify_address(licence), barWidth=_QR, barHeight=_QR, barBorder=0)
    drawing = Drawing(_QR, _QR)
    drawing.add(code)
    words = (
        "This page cannot say. Whether the licence is suspended or revoked is at<br/>"
        f"{escape(verify_address(licence))}<br/>and in the status list that the certificate names. The certificate "
        "below can be checked without this site, with its published keys: "
        f"{escape(settings.PUBLIC_URL)}/.well-known/jwks.json"
    )
    table = Table([[drawing, Paragraph(words, _BODY)]], colWidths=[_QR + 6 * mm, None])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0)]))
    return table


def _facts(facts: Sequence[tuple[str, str]], labels: float = _LABELS) -> Table:
    rows = [[_paragraph(name, _LABEL), _paragraph(value, _BODY)] for name, value in facts]
    table = Table(rows, colWidths=[labels, A4[0] - 2 * _MARGIN - labels - 12])
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                ("LINEBELOW", (0, 0), (-1, -2), 0.25, RULE),
            ]
        )
    )
    return table


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%-d %B %Y, %H:%M} UTC"


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    """``text`` as it stands; a letter that the font lacks is shown by its base letter, or else by a question mark.

    What is written exactly is in the certificate.
    """
    missing = typesetting.unprintable(text)
    shown = (letter if letter not in missing else _nearest(letter) for letter in text)
    return Paragraph(escape("".join(shown)), style)


def _nearest(letter: str) -> str:
    base = normalize("NFKD", letter)[0]
    return "?" if typesetting.unprintable(base) else base
