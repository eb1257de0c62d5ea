"""Reports: the note never contradicts picture or measurements, keys hold, the verdict follows its rule."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from generation.generators.multimodal.inspection_reports import generator
from tests.generation.generators.blocks import job, tables

PARTS = 300
NINTHS = {"upper": 0, "middle": 1, "lower": 2, "left": 0, "centre": 1, "right": 2}


@pytest.fixture(scope="module")
def made() -> tuple[list[dict[str, Any]], dict[int, list[dict[str, Any]]]]:
    of = job(generator, PARTS, size=128, out_of_tolerance=0.15)
    found = tables(generator, of, range(PARTS))
    readings: dict[int, list[dict[str, Any]]] = {}
    for row in found["measurements"].to_pylist():
        readings.setdefault(row["part_id"], []).append(row)
    return found["parts"].to_pylist(), readings


def test_parts_are_unique_and_every_measurement_finds_its_part(made: Any) -> None:
    parts, readings = made
    numbers = [part["part_id"] for part in parts]
    assert len(set(numbers)) == PARTS
    assert set(readings) == set(numbers)
    assert all([one["sequence"] for one in rows] == [1, 2, 3, 4, 5] for rows in readings.values())


def test_a_measurement_says_truly_whether_it_is_within_tolerance(made: Any) -> None:
    for rows in made[1].values():
        for one in rows:
            assert one["within_tolerance"] == (abs(one["value"] - one["nominal"]) <= one["tolerance"] + 1e-9)


def test_the_verdict_follows_the_stated_rule(made: Any) -> None:
    parts, readings = made
    for part in parts:
        outside = sum(not one["within_tolerance"] for one in readings[part["part_id"]])
        bad = any(one["category"] == "hole" or one["severity"] >= 0.7 for one in part["objects"])
        expected = "reject" if bad or outside > 1 else "rework" if part["objects"] or outside else "pass"
        assert part["verdict"] == expected
    assert {part["verdict"] for part in parts} == {"pass", "rework", "reject"}


def test_the_note_names_exactly_the_defects_of_the_picture_where_they_are(made: Any) -> None:
    for part in made[0]:
        told = Counter((category, degree, where, extent) for degree, category, where, extent in _defects(part["note"]))
        there = Counter(_expected(one) for one in part["objects"])
        assert told == there, part["note"]
        assert bool(re.search(r"[Nn]o defect|Nothing to report", part["note"])) == (not part["objects"])


def test_the_note_names_exactly_what_is_out_of_tolerance(made: Any) -> None:
    parts, readings = made
    for part in parts:
        outside = {(o["quantity"], f"{o['value']}") for o in readings[part["part_id"]] if not o["within_tolerance"]}
        told = set(re.findall(r"(?:The|tolerance:) (\w+)(?: is)? (-?[\d.]+) (?:mm|um)[, ]", part["note"]))
        assert told == outside, part["note"]
        assert ("within tolerance" in part["note"]) == (not outside)


def test_the_note_names_part_batch_metal_and_verdict(made: Any) -> None:
    words = {"pass": r"passes\.|pass\.", "rework": r"rework\.", "reject": r"rejected\.|reject\."}
    for part in made[0]:
        assert str(part["part_id"]) in part["note"]
        assert part["batch"] in part["note"]
        assert part["alloy"] in part["note"].lower()
        last = part["note"].split(". ")[-1]
        assert [verdict for verdict, told in words.items() if re.search(told, last)] == [part["verdict"]]


def test_the_share_without_defects_is_exact() -> None:
    of = job(generator, 40, size=128, sound_share=0.5)
    parts = tables(generator, of, range(40))["parts"].to_pylist()
    assert sum(not part["objects"] for part in parts) == 20


def _defects(note: str) -> list[tuple[str, str, str, str]]:
    """(degree, category, place, extent) of each sentence about a defect, read by rules of their own."""
    found = []
    for sentence in re.split(r"(?<=[.]) (?=[A-Z])", note):
        what = re.search(r"\b(slight|clear|severe) (scratch|dent|stain|hole)\b", sentence)
        if what:
            where = re.search(r"in the (middle|upper \w+|lower \w+|middle \w+)\b(?: (left|right|centre))?", sentence)
            extent = re.search(r"([\d.]+) mm", sentence)
            assert where is not None
            assert extent is not None
            found.append((what[1], what[2], where[0].removeprefix("in the "), extent[1]))
    return found


def _expected(one: dict[str, Any]) -> tuple[str, str, str, str]:
    x, y, width, height = one["bbox"]
    row = ("upper", "middle", "lower")[min(int(3 * (y + height / 2) / 128), 2)]
    column = ("left", "centre", "right")[min(int(3 * (x + width / 2) / 128), 2)]
    place = "middle" if (row, column) == ("middle", "centre") else f"{row} {column}"
    degree = "slight" if one["severity"] < 0.35 else "clear" if one["severity"] < 0.7 else "severe"
    return one["category"], degree, place, f"{max(width, height) * 64 / 128:.1f}"
