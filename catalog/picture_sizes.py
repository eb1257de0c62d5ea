"""Kind and size of a picture from its own bytes, for checking what was told of it: PNG and JPEG."""

from __future__ import annotations

import re
from typing import Any

#: What ``as_struct`` returns, as DuckDB calls it.
STRUCT = "STRUCT(media_type VARCHAR, width BIGINT, height BIGINT)"

_PNG = re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR(?P<width>.{4})(?P<height>.{4})", re.DOTALL)
_JPEG = b"\xff\xd8"
#: A marker that begins a frame, its length and the precision of samples, then height and width.
_FRAME = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf].{3}(?P<height>.{2})(?P<width>.{2})", re.DOTALL)
#: Any other segment before the frame: padding, its marker and its length.
_SEGMENT = re.compile(rb"\xff+[^\xff\0](?P<length>.{2})", re.DOTALL)


def as_struct(content: bytes) -> dict[str, Any]:
    """Media type, width and height in pixels. Raises ValueError for what is neither PNG nor JPEG."""
    png = _PNG.match(content)
    if png:
        return {"media_type": "image/png", "width": _number(png["width"]), "height": _number(png["height"])}
    frame = _frame(content)
    if frame:
        return {"media_type": "image/jpeg", "width": _number(frame["width"]), "height": _number(frame["height"])}
    raise ValueError("these bytes are no picture")


def _frame(content: bytes) -> re.Match[bytes] | None:
    """The frame header of a JPEG: the segments before it are passed over by their lengths."""
    place = len(_JPEG) if content.startswith(_JPEG) else len(content)
    while segment := _SEGMENT.match(content, place):
        if frame := _FRAME.match(content, segment.start("length") - 2):
            return frame
        place = segment.start("length") + _number(segment["length"])
    return None


def _number(field: bytes) -> int:
    return int.from_bytes(field, "big")
