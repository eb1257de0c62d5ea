"""What pages show of a version: columns with their plots, the first rows, the thumbnail of a listing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog import licensing
from catalog.extent import extent
from catalog.models import Listing, Version
from catalog.quality import Measured, listed
from catalog.search.facets import MODALITIES
from marketplace.accounts.models import Account
from marketplace.web.plots import Categories, Histogram, Plot
from marketplace.web.templatetags.units import percent, thousands

_THUMBNAIL_PLOTS = 4
_THUMBNAIL_PICTURES = 8
_CELL_SHOWN = 120
_NAMED = 12
_FIGURE_SHOWN = 40
_FEW_BARS = 4
#: A moment as statistics tell it; pages show it to the second.
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAYS_LITTLE = frozenset({"key", "reference", "time"})


@dataclass(frozen=True)
class Column:
    """A column as the data sheet shows it; figures are words, empty where there is none."""

    name: str
    words: str
    description: str
    unit: str
    plot: Plot | None
    nulls: float
    distinct: str
    low: str
    median: str
    mean: str
    high: str


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and how it is set."""

    text: str
    numeric: bool
    null: bool


@dataclass(frozen=True)
class Shot:
    """One picture of the gallery: its digest, what it shows in words, and its row."""

    picture: str
    caption: str
    row: int


@dataclass(frozen=True)
class TableSheet:
    """One configuration: its columns, first rows and pictures; ``counted`` if there are statistics of all its rows.

    ``repeats`` says how many of them repeat an earlier one, ``rules`` are those that were promised of every row, as the
    statistics tell of them.
    """

    name: str
    heading: str
    rows: int
    columns: Sequence[Column]
    sample: Sequence[Sequence[Cell]]
    counted: bool
    repeats: str
    gallery: Sequence[Shot] = field(default_factory=tuple)
    rules: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class VersionLink:
    """A version in the list of versions; ``open`` if whoever looks may open its page."""

    version: Version
    open: bool


@dataclass(frozen=True)
class Hit:
    """A listing as a row of the shelves shows it; where words found it, its texts are marked and its columns named."""

    listing: Listing
    title: str
    summary: str
    kind: str
    version: Version | None
    offer: Any
    columns: int
    plots: Sequence[tuple[str, Plot]]
    pictures: Sequence[str]
    measures: Sequence[Measured] = ()
    columns_found: Sequence[str] = ()


def sheets(preview: Mapping[str, Any], statistics: Mapping[str, Any] | None) -> list[TableSheet]:
    """The configurations that a preview shows, in its order; without ``statistics`` its rows are all there are."""
    counted = (statistics or {}).get("tables", {})
    rows = {table["name"]: len(table["rows"]) for table in preview["tables"]}
    return [_sheet(table, counted.get(table["name"]), rows) for table in preview["tables"]]


def sheets_of(
    version: Version, preview: Mapping[str, Any] | None, statistics: Mapping[str, Any] | None
) -> list[TableSheet]:
    """The configurations of a version: what is known of their columns, and the first rows once there is a preview."""
    described = [{"name": t["name"], "columns": t["schema"], "rows": []} for t in version.layout["tables"]]
    counted = (statistics or {}).get("tables", {})
    rows = extent(version).configs
    tables = described if preview is None else preview["tables"]
    return [_sheet(table, counted.get(table["name"]), rows) for table in tables]


def links(account: Account | None, version: Version, *, most: int) -> list[VersionLink]:
    """The newest versions of the dataset of ``version``, and which of them ``account`` may look at."""
    dataset = version.dataset
    may_open = set(licensing.held(account, dataset).values_list("id", flat=True))
    may_open.update(licensing.shown(dataset).values_list("id", flat=True))
    others = dataset.versions.newest_first().select_related("shelf")[:most]
    return [VersionLink(other, other.id in may_open) for other in others]


def hit(listing: Listing, version: Version | None, documents: Mapping[str, Any]) -> Hit:
    """A listing's row, from the ``documents`` of its newest ``version`` on the shelf; its offers are prefetched."""
    preview, statistics = documents.get("preview"), documents.get("statistics")
    return Hit(
        listing=listing,
        title=listing.dataset.title,
        summary=listing.summary,
        kind=MODALITIES.get(listing.modality, listing.modality),
        version=version,
        offer=next(iter(listing.offers.all()), None),
        columns=0 if version is None else sum(len(table["schema"]) for table in version.layout["tables"]),
        plots=_thumbnail_plots(version, statistics),
        pictures=_thumbnail_pictures(preview),
        measures=() if version is None else listed(version.measures),
    )


def _sheet(table: Mapping[str, Any], counted: Mapping[str, Any] | None, rows: Mapping[str, int]) -> TableSheet:
    """``rows`` has the rows of each configuration."""
    by_name = {} if counted is None else {column["name"]: column for column in counted["columns"]}
    media = {i for i, column in enumerate(table["columns"]) if column.get("media")}
    shown = [(i, column) for i, column in enumerate(table["columns"]) if i not in media]
    return TableSheet(
        name=table["name"],
        heading="Data" if len(rows) == 1 else f"Data: {table['name']}",
        rows=rows.get(table["name"], 0),
        columns=[_column(column, by_name.get(column["name"])) for _, column in shown],
        sample=[[cell(row[i], column["type"]) for i, column in shown] for row in table["rows"]],
        counted=counted is not None,
        repeats=_repeats((counted or {}).get("duplicates")),
        gallery=_gallery(table, media),
        rules=() if counted is None else counted.get("rules", ()),
    )


def _repeats(told: Mapping[str, Any] | None) -> str:
    """How many rows are the same as an earlier one in every cell, as ``shapes.Duplicates`` has it."""
    if told is None:
        return "How many rows repeat an earlier one was not measured."
    if not told["share"]:
        return "No row repeats an earlier one." if told["exact"] else "No row was found that repeats an earlier one."
    if told["exact"]:
        return f"{percent(told['share'])} of the rows repeat an earlier one in every cell."
    error = percent(told["standard_error"])
    return f"About {percent(told['share'])} of the rows repeat an earlier one in every cell (standard error {error})."


def _gallery(table: Mapping[str, Any], media: set[int]) -> list[Shot]:
    """The first picture column, captioned by the classes of the row's objects where they have any.

    A generator names and fills its columns as it likes: what is no picture is not shown, no classes are no caption.
    """
    names = [column["name"] for column in table["columns"]]
    pictures = [i for i in sorted(media) if table["columns"][i].get("role") != "label"]
    if not pictures:
        return []
    shown = names.index("image") if "image" in names else pictures[0]
    objects = names.index("objects") if "objects" in names else None
    return [
        Shot(row[shown]["picture"], "" if objects is None else classes(row[objects]), number)
        for number, row in enumerate(table["rows"])
        if is_picture(row[shown])
    ]


def is_picture(cell: Any) -> bool:
    """Is the cell of a preview a picture that is served?"""
    return isinstance(cell, Mapping) and bool(_SHA256.fullmatch(str(cell.get("picture"))))


def classes(objects: Any) -> str:
    """The classes of a row's objects and how often each occurs, in words; empty where there are none to tell."""
    counts: dict[str, int] = {}
    if not isinstance(objects, list | None):
        return ""
    for found in objects or []:
        if not isinstance(found, Mapping) or "category" not in found:
            return ""
        name = str(found["category"])[:_FIGURE_SHOWN]
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in counts.items()) or "no defect"


def _column(column: Mapping[str, Any], counted: Mapping[str, Any] | None) -> Column:
    counted = counted or {}
    distinct = counted.get("distinct")
    return Column(
        name=column["name"],
        words=type_words(column["type"]) + (f", {column['unit']}" if column.get("unit") else ""),
        description=column.get("description") or "",
        unit=column.get("unit") or "",
        plot=plot_of(counted),
        nulls=counted.get("nulls", 0) / max(counted.get("count", 0) + counted.get("nulls", 0), 1),
        distinct="" if distinct is None else ("" if distinct["exact"] else "about ") + thousands(distinct["value"]),
        low=_figure(counted.get("minimum")),
        median=_median(counted.get("quantiles")),
        mean=_figure(counted.get("mean")),
        high=_figure(counted.get("maximum")),
    )


def type_words(type_: str) -> str:
    """A column's type; of a nested one only its outer shape, since the dictionary and the files tell the rest."""
    if type_.startswith("struct<"):
        return "record"
    if type_.startswith(("list<", "large_list<", "fixed_size_list<")):
        return "list of records" if "<" in type_.partition("<")[2] else "list"
    return type_


def _median(quantiles: Mapping[str, Any] | None) -> str:
    found = _figure(dict((quantiles or {}).get("at", [])).get(0.5))
    return f"about {found}" if found and quantiles and not quantiles["exact"] else found


def plot_of(counted: Mapping[str, Any]) -> Plot | None:
    """The plot of a column from its statistics: values by name where it has no order, else a histogram."""
    histogram, values = counted.get("histogram"), counted.get("values")
    if histogram and len(histogram["counts"]) > 1:
        ends = _figure(counted["minimum"]), _figure(counted["maximum"])
        # Edges of times are text and equally far apart, so their numbers draw the same picture.
        edges = range(len(histogram["edges"])) if counted["kind"] == "time" else histogram["edges"]
        return Histogram(edges, histogram["counts"], low=ends[0], high=ends[1])
    if values:
        named = [(_figure(entry["value"]), float(entry["count"])) for entry in values]
        return Categories(named[:_NAMED], other=sum(count for _, count in named[_NAMED:]))
    return None


def _figure(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return thousands(value)
    moment = _MOMENT.match(str(value))
    return f"{moment[1]} {moment[2]}" if moment else str(value)[:_FIGURE_SHOWN]


def cell(value: Any, type_: str) -> Cell:
    """A value as it stands in a sheet."""
    if value is None:
        return Cell("null", False, True)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    text = str(value).lower() if isinstance(value, bool) else _shortened(value)
    return Cell(text, numeric, False)


def _shortened(value: Any) -> str:
    if isinstance(value, list):
        return _listed(value)
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CELL_SHOWN else text[:_CELL_SHOWN] + "…"


def _listed(values: list[Any]) -> str:
    """A few short values as they are; of others how many there are."""
    plain = all(isinstance(value, str | int | float) for value in values)
    text = ", ".join(map(_shortened, values)) if plain and len(values) <= _CELL_SHOWN else ""
    if not text or len(text) > _CELL_SHOWN:
        return "none" if not values else "1 item" if len(values) == 1 else f"{len(values)} items"
    return text


def _thumbnail_plots(version: Version | None, statistics: Mapping[str, Any] | None) -> list[tuple[str, Plot]]:
    """The columns that say most: no keys, and those of several values before those of one or two."""
    if version is None or statistics is None:
        return []
    table = version.layout["tables"][0]
    shown = {column["name"] for column in table["schema"] if column.get("role") not in _SAYS_LITTLE}
    counted = statistics["tables"][table["name"]]["columns"]
    plots = [(c["name"], plot) for c in counted if c["name"] in shown and (plot := plot_of(c)) is not None]
    plots.sort(key=lambda pair: _bars(pair[1]) < _FEW_BARS)
    return plots[:_THUMBNAIL_PLOTS]


def _bars(plot: Plot) -> int:
    return len(plot.counts) if isinstance(plot, Histogram) else len(plot.items)


def _thumbnail_pictures(preview: Mapping[str, Any] | None) -> list[str]:
    for table in (preview or {}).get("tables", []):
        media = {i for i, column in enumerate(table["columns"]) if column.get("media")}
        if shots := _gallery(table, media):
            return [shot.picture for shot in shots[:_THUMBNAIL_PICTURES]]
    return []
