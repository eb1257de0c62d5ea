"""The inspector's note: English written from the facts, and from nothing else, so that it cannot contradict them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.generators.image.surface.part import FIELD_MM
from generation.generators.image.surface.scene import Found
from generation.generators.multimodal.inspection_reports.facts import Measurement, Verdict

_OPENINGS = (
    "Part {part} of batch {batch}, {alloy}, looked at under raking light.",
    "Inspected part {part} (batch {batch}, {alloy}).",
    "{Alloy} sheet, part {part}, batch {batch}.",
)
_CLEAN = (
    "No defect was found on the surface.",
    "The surface shows no defect.",
    "Nothing to report on the surface.",
)
_FINDINGS = (
    "There is a {degree} {category} {place}, about {extent:.1f} mm across.",
    "A {degree} {category} lies {place}; it measures about {extent:.1f} mm.",
    "Found a {degree} {category} of about {extent:.1f} mm {place}.",
)
_MEASURED_WELL = (
    "All {count} measurements are within tolerance.",
    "Every one of the {count} measurements is within tolerance.",
)
_OUTSIDE = (
    "The {quantity} is {value} {unit}, outside {nominal} ± {tolerance} {unit}.",
    "Out of tolerance: {quantity} {value} {unit} against {nominal} ± {tolerance} {unit}.",
)
_VERDICTS: dict[Verdict, tuple[str, ...]] = {
    "pass": ("The part passes.", "Verdict: pass."),
    "rework": ("The part goes to rework.", "Verdict: rework."),
    "reject": ("The part is rejected.", "Verdict: reject."),
}
_ROWS = ("upper", "middle", "lower")
_COLUMNS = ("left", "centre", "right")


def note(
    rng: np.random.Generator,
    *,
    part: int,
    batch: str,
    alloy: str,
    size: int,
    found: Sequence[Found],
    measurements: Sequence[Measurement],
    verdict: Verdict,
) -> str:
    """Write the note of one part: what it is, each defect with place and size, each bad reading, the verdict."""
    sentences = [_one(rng, _OPENINGS).format(part=part, batch=batch, alloy=alloy, Alloy=alloy.capitalize())]
    if not found:
        sentences.append(_one(rng, _CLEAN))
    sentences += [
        _one(rng, _FINDINGS).format(
            degree=degree(one.severity), category=one.category, place=place(one, size), extent=one.extent_mm(size)
        )
        for one in found
    ]
    outside = [one for one in measurements if not one.within]
    if not outside:
        sentences.append(_one(rng, _MEASURED_WELL).format(count=len(measurements)))
    sentences += [
        _one(rng, _OUTSIDE).format(
            quantity=one.quantity, value=one.value, unit=one.unit, nominal=one.nominal, tolerance=one.tolerance
        )
        for one in outside
    ]
    sentences.append(_one(rng, _VERDICTS[verdict]))
    return " ".join(sentences)


def degree(severity: float) -> str:
    """Severity in a word."""
    return "slight" if severity < 0.35 else "clear" if severity < 0.7 else "severe"


def place(found: Found, size: int) -> str:
    """Where a defect's middle lies, by ninths of the picture."""
    x, y = found.place_mm(size)
    row = _ROWS[min(int(3 * y / FIELD_MM), 2)]
    column = _COLUMNS[min(int(3 * x / FIELD_MM), 2)]
    if (row, column) == ("middle", "centre"):
        return "in the middle"
    return f"in the {row} {column}"


def _one(rng: np.random.Generator, sentences: Sequence[str]) -> str:
    return sentences[int(rng.integers(len(sentences)))]
