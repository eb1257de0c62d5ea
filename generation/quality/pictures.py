"""What the first bytes of a picture say: its kind and its size, without decoding it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
# Start-of-frame markers of JPEG carry the size; DHT, JPG and DAC lie within their range and do not.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length


@dataclass(frozen=True)
class PictureHeader:
    """Media type, and width and height in pixels."""

    media_type: str
    width: int
    height: int


def picture_header(content: bytes | memoryview) -> PictureHeader:
    """Read a JPEG's or PNG's header, and see that its end is there.

    Raises ``ValueError`` with a sentence if ``content`` is neither, or breaks off.
    """
    # Arrow hands out signed bytes, which never equal those of a literal.
    view = memoryview(content).cast("B")
    if bytes(view[:8]) == _PNG:
        return _png(view)
    if bytes(view[:2]) == b"\xff\xd8":
        return _jpeg(view)
    raise ValueError("these bytes are neither a JPEG nor a PNG picture")


def _png(view: memoryview) -> PictureHeader:
    if view.nbytes < 45 or bytes(view[12:16]) != b"IHDR" or bytes(view[-12:]) != _PNG_END:
        raise ValueError("the PNG picture breaks off")
    width, height = struct.unpack_from(">II", view, 16)
    return PictureHeader("image/png", width, height)


def _jpeg(view: memoryview) -> PictureHeader:
    if bytes(view[-2:]) != b"\xff\xd9":
        raise ValueError("the JPEG picture breaks off")
    place = 2
    while place + 9 <= view.nbytes and view[place] == 0xFF:
        marker = view[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", view, place + 5)
            return PictureHeader("image/jpeg", width, height)
        else:
            place += 2 + struct.unpack_from(">H", view, place + 2)[0]
    raise ValueError("the JPEG picture has no frame header")
