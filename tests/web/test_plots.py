"""Plots are well-formed, need no style, say what they show, and hold what a stranger named only as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.utils.safestring import SafeString
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.web import plots
from marketplace.web.plots import Categories, Curve, Gauge, Histogram, Rate, ShardCell, Stacks

# XML forbids most control characters; a template's HTML may hold them, so they are not what is looked for here.
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=40)
COUNTS = st.floats(0, 1e12) | st.integers(0, 10**12)
START = datetime(2026, 11, 24, 14, tzinfo=UTC)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    log = draw(st.booleans())
    low = 1e-300 if log else -1e308
    edges = sorted(draw(st.lists(st.floats(low, 1e308), min_size=2, max_size=30, unique=True)))
    counts = draw(st.lists(COUNTS, min_size=len(edges) - 1, max_size=len(edges) - 1))
    reference = draw(st.none() | st.lists(COUNTS, min_size=len(counts), max_size=len(counts)))
    return Histogram(edges, counts, reference, log, draw(NAMES), draw(NAMES))


@st.composite
def categories(draw: st.DrawFn) -> Categories:
    items = draw(st.lists(st.tuples(NAMES, COUNTS), max_size=20))
    reference = draw(st.none() | st.lists(COUNTS, min_size=len(items), max_size=len(items)))
    return Categories(items, reference, draw(COUNTS))


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    seconds = sorted(draw(st.sets(st.integers(0, 10_000), max_size=30)))
    values = draw(st.lists(st.floats(0, 1e12), min_size=len(seconds), max_size=len(seconds)))
    happened = [
        (START + timedelta(seconds=s), what)
        for s, what in draw(st.lists(st.tuples(st.integers(-9, 11_000), NAMES), max_size=3))
    ]
    return Rate([START + timedelta(seconds=s) for s in seconds], values, draw(NAMES), happened)


CELLS = st.builds(ShardCell, st.sampled_from(["waiting", "run", "done", "failed"]), st.floats(0, 1), st.booleans())


def looked_at(svg: SafeString) -> ElementTree.Element:
    """``svg`` as XML, after looking for what the pages forbid: style, handlers, scripts, numbers that are none."""
    assert isinstance(svg, SafeString)
    root = ElementTree.fromstring(f"<div>{svg}</div>")  # noqa: S314 (our own words)
    for element in root.iter():
        assert element.tag in {
            "div",
            "svg",
            "path",
            "rect",
            "line",
            "text",
            "title",
            "circle",
            "polyline",
            "figure",
            "figcaption",
            "span",
            "ul",
            "li",
            "i",
        }
        for name, value in element.attrib.items():
            assert name != "style" and not name.startswith("on")
            if name in {"x", "y", "d", "width", "height", "points", "x1", "x2", "y1", "y2", "cx"}:
                assert not re.search(r"nan|inf", value), (name, value)
    return root


def labels(root: ElementTree.Element) -> list[str]:
    return [element.get("aria-label", "") for element in root.iter() if element.get("role") == "img"]


@settings(max_examples=60)
@given(histograms(), NAMES)
def test_a_histogram_is_well_formed_and_labelled(plot: Histogram, name: str) -> None:
    for drawn in (plots.histogram(plot, name=name), plots.column_head(plot, name=name)):
        assert labels(looked_at(drawn)) == [plot.finding(name)]


@settings(max_examples=60)
@given(categories(), NAMES)
def test_bars_of_categories_are_well_formed_and_labelled(plot: Categories, name: str) -> None:
    for drawn in (plots.category_bars(plot, name=name), plots.column_head(plot, name=name)):
        assert labels(looked_at(drawn)) == [plot.finding(name)]


@settings(max_examples=40)
@given(st.lists(st.tuples(NAMES, histograms() | categories()), max_size=6))
def test_thumbnails_show_four_columns_under_one_label(columns: list[tuple[str, Any]]) -> None:
    root = looked_at(plots.thumbnails(columns))
    assert len(root.findall(".//figure")) == min(4, len(columns))
    assert len(labels(root)) == 1


@settings(max_examples=60)
@given(rates())
def test_a_rate_line_is_well_formed_and_tells_what_happened(rate: Rate) -> None:
    root = looked_at(plots.rate_line(rate))
    assert labels(root) == [rate.finding()]
    if len(rate.values) > 1:
        words = [text.text for text in root.iter("text")]
        assert all(what in words or not what for _, what in rate.happened)


@settings(max_examples=40)
@given(st.lists(CELLS, max_size=900))
def test_shard_cells_count_every_shard_and_are_never_more_than_four_hundred(cells: list[ShardCell]) -> None:
    root = looked_at(plots.shard_cells(cells))
    drawn = root.findall(".//i")
    assert len(drawn) <= 400
    assert (len(drawn) == len(cells)) == (len(cells) <= 400)
    assert labels(root)[0].startswith(f"{len(cells):,} shards: {sum(c.state == 'done' for c in cells):,} done")


@pytest.mark.parametrize(("shards", "drawn"), [(400, 400), (401, 201), (799, 400), (801, 267), (1500, 375)])
def test_over_four_hundred_shards_one_cell_is_several_and_says_so(shards: int, drawn: int) -> None:
    root = looked_at(plots.shard_cells([ShardCell("waiting")] * shards))
    assert len(root.findall(".//i")) == drawn
    said = [li.text for li in root.iter("li") if "one cell is" in (li.text or "")]
    assert said == ([] if shards == drawn else [f"one cell is {-(-shards // drawn)} shards"])


def test_a_cell_of_several_shards_fills_by_all_of_them_and_shows_a_failure() -> None:
    half = [ShardCell("done"), ShardCell("waiting")] * 400
    widths = {rect.get("width") for rect in looked_at(plots.shard_cells(half)).iter("rect")}
    assert widths == {"50"}
    failed = looked_at(plots.shard_cells([*half[:-1], ShardCell("failed")]))
    assert [i.get("class") for i in failed.findall(".//i")].count("failed") == 1


def test_areas_of_bars_are_shares_whatever_the_widths_of_the_bins() -> None:
    drawn = plots.histogram(Histogram([0, 1, 3], [10, 20]), name="x")
    heights = re.findall(r"V([\d.]+)H", str(drawn))
    assert heights[0] == heights[1], "twice the rows over twice the width are as high"


def test_what_is_there_is_never_drawn_as_nothing_and_what_is_not_there_is() -> None:
    path = looked_at(plots.histogram(Histogram([0, 1, 2, 3], [1_000_000, 1, 0]), name="x")).find(".//path")
    assert path is not None and (path.get("d") or "").count("Z") == 2


def test_a_reference_that_is_identical_is_drawn_on_the_bars_and_said_to_lie_nowhere_else() -> None:
    plot = Histogram([0, 1, 2], [300, 100], [3, 1])
    assert plot.finding("x").endswith("0 % of rows lie elsewhere than in the reference.")
    assert "25 % of rows lie elsewhere" in Histogram([0, 1, 2], [300, 100], [2, 2]).finding("x")


def test_a_digest_is_its_first_32_bits() -> None:
    cells = [rect.get("class") for rect in looked_at(plots.digest_cells("80000001" + "f" * 56)).iter("rect")]
    assert cells == ["one", *["zero"] * 30, "one"]


@pytest.mark.parametrize("digest", ["", "1234567", "xyz" * 20, "-1234567"])
def test_what_is_no_digest_has_no_cells(digest: str) -> None:
    with pytest.raises(ValueError):
        plots.digest_cells(digest)


def test_a_gauge_keeps_its_marks_on_the_track() -> None:
    root = looked_at(plots.gauge(Gauge(0, 1, 7, -3), name="x"))
    assert [circle.get("cx") for circle in root.iter("circle")] == ["0%", "100%"]
    assert labels(root) == ["x: 7, yardstick -3; scale 0 to 1."]


def test_a_gauge_shows_its_interval_and_all_yardsticks_and_says_them() -> None:
    measure = Gauge(0, 1, 0.5, 0.25, interval=(0.4, 0.6), marks=[("a copy", 1), ("a guess", -2)])
    root = looked_at(plots.gauge(measure, name="x"))
    lines = [(line.get("class"), line.get("x1"), line.get("x2")) for line in root.iter("line")]
    assert ("between", "40%", "60%") in lines
    assert ("stroke", "100%", "100%") in lines and ("stroke", "0%", "0%") in lines
    assert labels(root) == ["x: 0.5 (0.4 to 0.6), yardstick 0.25, a copy 1, a guess -2; scale 0 to 1."]


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    places = sorted(draw(st.sets(st.integers(0, 100), max_size=8)))
    values = st.floats(-1e6, 1e6)
    points = [(place / 100, draw(values)) for place in places]
    best = draw(st.integers(0, len(points) - 1)) if points and draw(st.booleans()) else None
    return Curve(points, draw(st.none() | values), best)


@settings(max_examples=60)
@given(curves(), NAMES)
def test_a_curve_stays_within_its_frame_and_says_its_finding(plot: Curve, name: str) -> None:
    root = looked_at(plots.curve(plot, name=name, low=name, high=name, height=132))
    dots = list(root.iter("circle"))
    assert len(dots) == len(plot.points)
    for dot in dots:
        assert 0 <= float(dot.get("cy", "")) <= 132
    assert labels(root) == [plot.finding(name)]


@st.composite
def stacks(draw: st.DrawFn) -> Stacks:
    names = draw(st.lists(NAMES, max_size=14))
    amounts = st.lists(COUNTS, min_size=len(names), max_size=len(names))
    return Stacks(names, draw(st.lists(st.tuples(NAMES, amounts), max_size=4)))


@settings(max_examples=60)
@given(stacks(), NAMES)
def test_stacks_stay_within_their_frame_and_show_every_part_that_is_there(plot: Stacks, label: str) -> None:
    root = looked_at(plots.stacked_bars(plot, label=label, height=180) + plots.key_of_stacks(plot))
    bars = [bar for bar in root.iter("rect") if bar.get("x")]
    assert len(bars) == sum(amount > 0 for _, amounts in plot.parts for amount in amounts)
    for bar in bars:
        assert float(bar.get("y", "")) >= -2.5 and float(bar.get("height", "")) > 0
        assert float(bar.get("x", "%").rstrip("%")) <= 100
    assert labels(root) == [label]


def test_the_highest_line_of_stacks_is_a_round_amount_above_all_bars() -> None:
    root = looked_at(plots.stacked_bars(Stacks(["a", "b"], [("one", [7, 0]), ("two", [4, 3])]), label="x"))
    assert [text.text for text in root.iter("text")] == ["5", "10", "15", "0", "a", "b"]


def test_names_of_columns_are_text() -> None:
    hostile = '</svg><script>alert(1)</script>" onload="x'
    plot = Categories([(hostile, 3), ("b", 2)])
    histogram = Histogram([0, 1], [1], low=hostile, high=hostile)
    for drawn in (
        plots.category_bars(plot, name=hostile),
        plots.column_head(plot, name=hostile),
        plots.thumbnails([(hostile, plot)]),
        plots.histogram(histogram, name=hostile),
        plots.rate_line(Rate([START, START + timedelta(seconds=1)], [1, 2], hostile, [(START, hostile)])),
        plots.shard_cells([ShardCell("done", again=True)], again=hostile),
        plots.gauge(Gauge(0, 1, 0.5, marks=[(hostile, 1)]), name=hostile),
        plots.curve(Curve([(0, 1), (1, 2)], 1.5, 1), name=hostile, low=hostile, high=hostile),
        plots.stacked_bars(Stacks([hostile], [(hostile, [1])]), label=hostile, words=lambda _: hostile),
        plots.key_of_stacks(Stacks([hostile], [(hostile, [1])])),
    ):
        looked_at(drawn)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Histogram([0, 1], [1, 2]),
        lambda: Histogram([0, 2, 1], [1, 2]),
        lambda: Histogram([0, float("inf")], [1]),
        lambda: Histogram([0, 1], [-1]),
        lambda: Histogram([0, 1], [1], [1, 2]),
        lambda: Histogram([0, 1], [1], log=True),
        lambda: Categories([("a", float("nan"))]),
        lambda: Gauge(1, 1, 1),
        lambda: Curve([(0.5, 1), (0.2, 1)]),
        lambda: Curve([(2, 1)]),
        lambda: Curve([(0, float("nan"))]),
        lambda: Curve([(0, 1)], best=1),
        lambda: Rate([START, START], [1, 2], "rows"),
        lambda: Stacks(["a"], [("one", [1, 2])]),
        lambda: Stacks(["a"], [("one", [-1])]),
    ],
)
def test_numbers_that_make_no_plot_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        make()
