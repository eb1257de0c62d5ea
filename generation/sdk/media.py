"""Pictures in tables: as Arrow values, and with the mark of synthetic origin written into their bytes.

The mark is IPTC's ``DigitalSourceType`` in an XMP packet: in JPEG an APP1 segment (XMP specification part 3), in PNG an
``iTXt`` chunk with the keyword ``XML:com.adobe.xmp``. Writing it is deterministic: no clock, no tool name.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import pyarrow as pa

from generation.sdk.schema import PICTURE

#: Nothing trained made it: computed from rules and randomness.
ALGORITHMIC = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
#: Made by what was learnt from data.
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
#: What is real, with something beside or within it that was made by what was learnt from data.
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_JPEG_START = b"\xff\xd8"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp"
_IHDR_END = len(_PNG_START) + 25  # length, type, 13 bytes and checksum of the header chunk
_TYPE = re.compile(rb'Iptc4xmpExt:DigitalSourceType="([^"]+)"')


def marked_jpeg(picture: bytes, source_type: str = ALGORITHMIC) -> bytes:
    """Return a JPEG with the mark as its first segment. Raises ValueError for what is no JPEG."""
    if not picture.startswith(_JPEG_START):
        raise ValueError("this is no JPEG")
    segment = _JPEG_XMP + _packet(source_type)
    header = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big")
    return _JPEG_START + header + segment + picture[len(_JPEG_START) :]


def marked_png(picture: bytes, source_type: str = ALGORITHMIC) -> bytes:
    """Return a PNG with the mark right after its header. Raises ValueError for what is no PNG."""
    if not picture.startswith(_PNG_START):
        raise ValueError("this is no PNG")
    # iTXt: keyword, NUL, not compressed (two bytes), empty language and translated keyword, text.
    body = b"iTXt" + _PNG_XMP + b"\0\0\0\0\0" + _packet(source_type)
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return picture[:_IHDR_END] + chunk + picture[_IHDR_END:]


def read_mark(picture: bytes) -> str | None:
    """The ``DigitalSourceType`` of a picture that carries the mark, else ``None``."""
    found = _TYPE.search(picture)
    return found[1].decode() if found else None


def pictures(contents: Sequence[bytes], paths: Sequence[str]) -> pa.Array:
    """Return pictures as an Arrow array of ``PICTURE``; ``paths`` are file names for whoever unpacks them."""
    arrays = [pa.array(contents, pa.binary()), pa.array(paths, pa.string())]
    return pa.StructArray.from_arrays(arrays, fields=list(PICTURE))


def _packet(source_type: str) -> bytes:
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()
