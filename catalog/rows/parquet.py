"""Rows out of a Parquet file in the object store: its footer from the cache, then the row groups that hold them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq
from django.core.cache import cache

from catalog.models import File
from marketplace import storage

_CACHED_SECONDS = 24 * 3600
_MAGIC = b"PAR1"
_TAIL = 64 << 10  # the footer of most files, in one read
_END = 8  # the footer's length and the magic
_IN_MEMORY = 32


class RangedBlob(io.RawIOBase):
    """A blob as a file that can be sought in: each read is one ranged read of the object store."""

    def __init__(self, sha256: str, size: int) -> None:
        super().__init__()
        self._key = storage.blob_key(sha256)
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought in."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Let the next read begin elsewhere."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, or all that follow."""
        left = max(0, self._size - self._at)
        length = left if size is None or size < 0 else min(size, left)
        if not length:
            return b""
        found = storage.read(self._key, self._at, length)
        self._at += len(found)
        return found


def footer(file: File) -> pq.FileMetaData:
    """What the file says of its row groups; its bytes are kept in the cache, by digest."""
    return _footer(file.sha256, file.bytes)


def forget(sha256: str) -> None:
    """Take the footer of a file out of the cache: it tells extremes of the columns."""
    cache.delete(_footer_key(sha256))


def schema(file: File) -> pa.Schema:
    """The Arrow schema of the file, with the metadata of its fields."""
    return footer(file).schema.to_arrow_schema()


def opened(file: File) -> pq.ParquetFile:
    """The file, to be read by ranges; those that lie together are read at once."""
    source = pa.PythonFile(RangedBlob(file.sha256, file.bytes), mode="r")
    return pq.ParquetFile(source, metadata=footer(file), pre_buffer=True)


def stored_bytes(file: File, columns: Sequence[str]) -> int:
    """How many bytes the file has of these columns."""
    known = footer(file)
    wanted = set(columns)
    return sum(
        known.row_group(group).column(leaf).total_compressed_size
        for group in range(known.num_row_groups)
        for leaf in range(known.num_columns)
        if known.row_group(group).column(leaf).path_in_schema.partition(".")[0] in wanted
    )


def rows(file: File, first: int, count: int, columns: Sequence[str]) -> pa.Table:
    """``count`` rows of the file from ``first`` on (fewer at its end), of ``columns`` only.

    What is read is the columns' part of the one or few row groups that hold the rows: as much at the end as at the
    start, since the writer bounds the rows and bytes of a row group.
    """
    known = footer(file)
    groups, before, held = [], 0, 0
    for number in range(known.num_row_groups):
        in_group = known.row_group(number).num_rows
        if held + in_group <= first:
            before += in_group
        elif held < first + count:
            groups.append(number)
        held += in_group
    if not groups or not columns:
        return known.schema.to_arrow_schema().empty_table().select(list(columns))
    return opened(file).read_row_groups(groups, columns=list(columns), use_threads=False).slice(first - before, count)


@lru_cache(maxsize=_IN_MEMORY)
def _footer(sha256: str, size: int) -> pq.FileMetaData:
    key = _footer_key(sha256)
    found: bytes | None = cache.get(key)
    if found is None:
        found = _read_footer(sha256, size)
        cache.set(key, found, _CACHED_SECONDS)
    return pq.read_metadata(io.BytesIO(found))


def _footer_key(sha256: str) -> str:
    return f"footer:{sha256}"


def _read_footer(sha256: str, size: int) -> bytes:
    """The footer as a file of its own, without row groups."""
    blob = storage.blob_key(sha256)
    start = max(0, size - _TAIL)
    tail = storage.read(blob, start, size - start)
    length = int.from_bytes(tail[-_END:-4], "little") + _END
    if length > len(tail):
        tail = storage.read(blob, size - length, length)
    return _MAGIC + tail[-length:]
