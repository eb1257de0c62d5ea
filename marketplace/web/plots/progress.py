"""Plots of a run under way: its rate over time, and one cell a shard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace.web.plots.shapes import Rate, ShardCell, clock
from marketplace.web.plots.svg import axis, coordinate, fitted, framed, joined
from marketplace.web.templatetags.units import thousands

_MOST_CELLS = 400
_FEW_CELLS = 120


def rate_line(rate: Rate, *, label: str = "", height: int = 64) -> SafeString:
    """The rate over time from zero, a line at a round value, and what happened written where it happened."""
    if len(rate.values) < 2:
        return framed(axis(height, []), height + 20, label or rate.finding())
    top = max(rate.values) or 1
    begin, end = rate.moments[0], rate.moments[-1]

    def across(moment: datetime) -> float:
        return min(100.0, max(0.0, 100 * (moment - begin) / (end - begin)))

    def down(value: float) -> float:
        return height - (height - 4) * value / top

    points = " ".join(
        f"{coordinate(across(m))},{coordinate(down(v))}" for m, v in zip(rate.moments, rate.values, strict=True)
    )
    line = fitted(format_html('<polyline class="ref" points="{}"/>', points), height)
    round_value = _round_below(top)
    y = coordinate(down(round_value))
    grid = format_html(
        '<line class="grid" x1="0" x2="100%" y1="{}" y2="{}"/><text x="100%" y="{}" text-anchor="end">{}</text>',
        y,
        y,
        coordinate(down(round_value) + 14),
        thousands(round_value),
    )
    notes = joined(_happened(n, across(moment), what, height) for n, (moment, what) in enumerate(rate.happened))
    ends = [(0.0, "start", clock(begin)), (100.0, "end", clock(end))]
    return framed(grid + line + notes + axis(height, ends), height + 20, label or rate.finding())


def shard_cells(cells: Sequence[ShardCell], *, again: str = "made again after a worker stopped") -> SafeString:
    """One cell a shard, filling by rows made, and the key to them; over 400 shards a cell is several, and says so."""
    each = max(1, math.ceil(len(cells) / _MOST_CELLS))
    groups = [_merged(cells[start : start + each]) for start in range(0, len(cells), each)]
    counts = {state: sum(cell.state == state for cell in cells) for state in ("done", "run", "waiting", "failed")}
    repeated = sum(cell.again for cell in cells)
    words = [f"{counts['done']:,} done", f"{counts['run']:,} under way", f"{counts['waiting']:,} waiting"]
    words += [f"{counts['failed']:,} failed"] if counts["failed"] else []
    label = f"{len(cells):,} shards: {', '.join(words)}." + (f" {repeated:,} {again}." if repeated else "")
    key = [("done", "done and digest kept", counts["done"]), ("run", "under way", counts["run"])]
    key += [("", "waiting", counts["waiting"]), ("failed", "failed", counts["failed"]), ("again", again, repeated)]
    lines = [format_html('<li><span class="cell {}"></span> {}, {}</li>', k, w, f"{c:,}") for k, w, c in key if c]
    lines += [format_html("<li>one cell is {} shards</li>", each)] if each > 1 else []
    return format_html(
        '<div class="shards{}" role="img" aria-label="{}">{}</div>'
        '<ul class="key" aria-label="Key to the shards">{}</ul>',
        " many" if len(groups) > _FEW_CELLS else "",
        label,
        joined(_cell(cell) for cell in groups),
        joined(lines),
    )


def _happened(n: int, x: float, what: str, height: int) -> SafeString:
    """A dashed line where it happened; its words on the side with room, neighbours on two heights."""
    anchor, shift = ("start", 4) if x <= 60 else ("end", -4)
    return format_html(
        '<line class="happened" x1="{}%" x2="{}%" y1="0" y2="{}"/>'
        '<text class="on" x="{}%" dx="{}" y="{}" text-anchor="{}">{}</text>',
        coordinate(x),
        coordinate(x),
        height,
        coordinate(x),
        shift,
        height - 6 - n % 2 * 14,
        anchor,
        what,
    )


def _merged(cells: Sequence[ShardCell]) -> ShardCell:
    """Several shards as one cell: failed or made again if any is, done if all are, else under way by rows made."""
    states = {cell.state for cell in cells}
    again = any(cell.again for cell in cells)
    if "failed" in states:
        return ShardCell("failed", again=again)
    if len(states) == 1 and "run" not in states:
        return ShardCell(cells[0].state, again=again)
    share = sum(1.0 if cell.state == "done" else min(1.0, max(0.0, cell.share)) for cell in cells) / len(cells)
    return ShardCell("run", share, again)


def _cell(cell: ShardCell) -> SafeString:
    classes = " ".join(filter(None, ["" if cell.state == "waiting" else cell.state, "again" if cell.again else ""]))
    if cell.state != "run":
        return format_html('<i class="{}"></i>', classes)
    return format_html(
        '<i class="{}"><svg viewBox="0 0 100 50" preserveAspectRatio="none">'
        '<rect class="syn" width="{}" height="50"/></svg></i>',
        classes,
        coordinate(100 * cell.share),
    )


def _round_below(value: float) -> float:
    """The largest of 1, 2, 5 × 10ⁿ that is not above ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-12))
