"""Plots drawn by the server as SVG: solid is what was made here, the outline its reference.

Across, everything is in per cent; down, in pixels: text keeps its size at any width. No style attributes (the content
security policy refuses them): sizes are SVG attributes, colours are classes. Each plot says its finding in its label.
"""

from marketplace.web.plots.columns import category_bars, column_head, histogram, thumbnails
from marketplace.web.plots.curves import curve
from marketplace.web.plots.marks import digest_cells, gauge
from marketplace.web.plots.progress import rate_line, shard_cells
from marketplace.web.plots.shapes import Categories, Curve, Gauge, Histogram, Plot, Rate, ShardCell, Stacks
from marketplace.web.plots.stacks import key_of_stacks, stacked_bars

__all__ = [
    "Categories",
    "Curve",
    "Gauge",
    "Histogram",
    "Plot",
    "Rate",
    "ShardCell",
    "Stacks",
    "category_bars",
    "column_head",
    "curve",
    "digest_cells",
    "gauge",
    "histogram",
    "key_of_stacks",
    "rate_line",
    "shard_cells",
    "stacked_bars",
    "thumbnails",
]
