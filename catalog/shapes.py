"""The shapes of the documents about a version, as pages and programs read them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A document that says what it holds; members that a newer writer adds are kept."""

    model_config = ConfigDict(extra="allow")


class Statistics(Shape):
    """What was counted over all rows: one entry a table, as ``generation.quality.profile`` documents it."""

    tables: dict[str, Any]


class PreviewColumn(Shape):
    """A column of a preview: its name, Arrow type in words, and what the generator says of it."""

    name: str
    type: str
    description: str = ""
    role: str = ""
    unit: str | None = None
    media: str | None = None


class PreviewTable(Shape):
    """The first rows of one configuration; a picture cell is ``{"picture": sha256, "media": …}``."""

    name: str
    split: str
    columns: list[PreviewColumn]
    rows: list[list[Any]]


class Preview(Shape):
    """The first rows of each configuration, from the free sample."""

    tables: list[PreviewTable]
