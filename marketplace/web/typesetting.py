"""Letters on paper: the fonts that every document to print embeds, what they can write, and the wordmark.

A document is drawn by reportlab with ``invariant=1``, so that the same row gives the same bytes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR: Final = "SourceSansPro"
BOLD: Final = "SourceSansPro-Bold"
_FILES: Final = {REGULAR: "SourceSansPro-Regular.ttf", BOLD: "SourceSansPro-Bold.ttf"}

#: The colours of the light pages.
INK: Final = HexColor("#11191c")
INK_2: Final = HexColor("#435056")
INK_3: Final = HexColor("#5c696e")
RULE: Final = HexColor("#d3dad9")
MADE: Final = HexColor("#00758c")


@cache
def load_fonts() -> None:
    """Make the fonts known to reportlab, once a process; whoever draws a document begins with it."""
    folder = files("font_source_sans_pro").joinpath("files")
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder.joinpath(file))))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def unprintable(text: str) -> str:
    """The characters of ``text`` that the fonts cannot write, each once: they write Latin, Greek and Cyrillic."""
    load_fonts()
    known = pdfmetrics.getFont(REGULAR).face.charToGlyph
    return "".join(dict.fromkeys(letter for letter in text if ord(letter) not in known and not letter.isspace()))


def width(text: str, size: float, font: str = REGULAR) -> float:
    """How wide ``text`` is in points."""
    load_fonts()
    return float(pdfmetrics.stringWidth(text, font, size))


def wordmark(canvas: Any, x: float, y: float, size: float = 20) -> None:
    """Draw ``lookalike`` from ``x`` on the line ``y``; its two o's are the pair, a ring and a disc."""
    load_fonts()
    canvas.saveState()
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, size)
    canvas.drawString(x, y, "l")
    radius, stroke, gap = size * 0.27, size * 0.14, size * 0.045
    at = x + width("l", size, BOLD) + gap + radius
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(stroke)
    canvas.circle(at, y + radius, radius - stroke / 2, stroke=1, fill=0)
    at += 2 * radius + gap
    canvas.setFillColor(MADE)
    canvas.circle(at, y + radius, radius, stroke=0, fill=1)
    canvas.setFillColor(INK)
    canvas.drawString(at + radius + gap, y, "kalike")
    canvas.restoreState()
