"""A figure of the report as a page shows it: in words, on a track, beside its yardsticks, with what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.web.plots import Gauge
from marketplace.web.templatetags.units import percent, thousands

_YARDSTICKS = {
    "holdout": "withheld rows",
    "bootstrap": "learnt rows drawn again",
    "copy": "a copy",
    "independent": "columns shuffled",
    "answer": "shown the answer",
    "shuffled": "answers shuffled",
    "guess": "a guess",
    "commonest": "always the commonest value",
}

#: A figure as the document has it: ``value``, ``interval``, ``yardsticks``, ``why``.
Figure = Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """One figure: its name, its value in words, what else was measured in the same way, and what it means."""

    name: str
    value: str
    beside: str
    meaning: str
    gauge: Gauge | None = None
    mono: bool = False


def score(figure: Figure | None, name: str, meaning: str, *, low: float = 0.0, mono: bool = False) -> Measured | None:
    """A figure from 0 to 1 as a decimal number."""
    if figure is None:
        return None
    gauge = _gauge(figure, low, 1.0)
    return Measured(name, decimal(figure["value"]), _beside(figure, decimal), _meaning(figure, meaning), gauge, mono)


def share(
    figure: Figure | None, name: str, meaning: str, *, whole: tuple[float, float] = (0.0, 1.0)
) -> Measured | None:
    """A figure that is a share of something."""
    if figure is None:
        return None
    value = "not measured" if figure["value"] is None else percent(figure["value"])
    return Measured(name, value, _beside(figure, percent), _meaning(figure, meaning), _gauge(figure, *whole))


def plain(figure: Figure | None, name: str, meaning: str) -> Measured | None:
    """A figure without a scale, such as a count."""
    if figure is None:
        return None
    return Measured(name, _number(figure["value"]), _beside(figure, _number), _meaning(figure, meaning))


def between(figure: Figure) -> str:
    """A difference with the bounds of its interval."""
    if figure["value"] is None:
        return "not measured"
    bounds = figure["interval"]
    return f"{figure['value']:+.3f}" + (f" ({bounds[0]:+.3f} to {bounds[1]:+.3f})" if bounds else "")


def _gauge(figure: Figure, low: float, high: float) -> Gauge | None:
    value = figure["value"]
    if value is None:
        return None
    yardsticks = figure["yardsticks"]
    marks = [(_YARDSTICKS.get(name, name), other) for name, other in yardsticks.items() if name != "holdout"]
    return Gauge(
        low,
        high,
        value,
        yardsticks.get("holdout"),
        interval=tuple(figure["interval"]) if figure["interval"] else None,
        marks=[(words, other) for words, other in marks if other is not None],
    )


def _beside(figure: Figure, words: Callable[[Any], str]) -> str:
    """The interval and the yardsticks in words."""
    said = [
        f"{_YARDSTICKS.get(name, name)} {words(value)}"
        for name, value in figure["yardsticks"].items()
        if value is not None
    ]
    if figure["interval"]:
        low, high = figure["interval"]
        said.insert(0, f"{words(low)} to {words(high)}")
    return " · ".join(said)


def _meaning(figure: Figure, meaning: str) -> str:
    return f"{meaning} {figure['why']}".strip() if figure["why"] else meaning


def decimal(value: float | None) -> str:
    return "not measured" if value is None else f"{value:z.3f}"


def _number(value: float | None) -> str:
    return "not measured" if value is None else thousands(round(value, 3))


def numbers(figure: Figure) -> list[float]:
    """The value of a figure and its yardsticks, as far as they are known."""
    return [value for value in (figure["value"], *figure["yardsticks"].values()) if value is not None]


def known(figure: Figure | None) -> Mapping[str, Any] | None:
    return figure if figure and figure.get("value") is not None else None


def at(section: Mapping[str, Any] | None, *path: str) -> Any:
    """What stands at ``path`` of a section; ``None`` where it leads nowhere."""
    found: Any = section
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
