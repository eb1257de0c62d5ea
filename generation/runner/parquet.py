"""One Parquet file of one table, written so that its bytes depend on its rows alone, and hashed as it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq

from generation.quality.arrow import ArrowArray, pc
from generation.quality.profile import TableProfile
from generation.runner.jobs import JsonObject
from generation.runner.layouts import is_media, media_type, stored_order
from generation.sdk import PICTURE

ROW_GROUP_ROWS = 10_000
ROW_GROUP_BYTES = 16 << 20
ZSTD_LEVEL = 1
_BUFFER = 1 << 20

#: How the ``datasets`` library calls what a media column holds.
_FEATURES = {"image": "Image", "audio": "Audio", "video": "Video"}


class TableWriter:
    """Takes batches of any size and writes row groups cut by rows and bytes; keeps the statistics in the same pass."""

    def __init__(self, path: Path, schema: pa.Schema, mark: JsonObject) -> None:
        self.rows = 0
        self._path = path
        self._schema = schema
        self._stored = _stored_schema(schema, mark)
        self._profile = TableProfile(stored_order(schema))
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._pending_bytes = 0
        self._file = _HashedFile(path)
        self._parquet = pq.ParquetWriter(self._file, self._stored, **_options(self._stored))

    @property
    def bytes(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def add(self, batch: pa.RecordBatch) -> None:
        """Append rows of the declared schema, checked before."""
        self.rows += batch.num_rows
        sizes = row_bytes(batch)
        start = 0
        while start < batch.num_rows:
            taken = self._fitting(sizes[start:])
            if taken == 0:
                self._flush()
                continue
            self._pending.append(batch.slice(start, taken))
            self._pending_rows += taken
            self._pending_bytes += int(sizes[start : start + taken].sum())
            start += taken

    def finish(self) -> tuple[JsonObject, JsonObject]:
        """Write what is left; return the file's rows, size and digests, and the partial statistics."""
        self._flush()
        self._parquet.close()
        self._file.close()
        file = {
            "path": str(self._path),
            "rows": self.rows,
            "bytes": self._file.size,
            "sha256": self._file.sha256.hexdigest(),
            "md5": self._file.md5.hexdigest(),
        }
        return file, self._profile.partial()

    def discard(self) -> None:
        """Remove what was written, without writing what is left."""
        self._file.abandon()
        self._path.unlink(missing_ok=True)

    def _fitting(self, sizes: NDArray[np.int64]) -> int:
        """Return how many of the next rows go into the present row group; one always fits into an empty one."""
        room = ROW_GROUP_ROWS - self._pending_rows
        total = np.cumsum(sizes[:room])
        fitting = int(np.searchsorted(total, ROW_GROUP_BYTES - self._pending_bytes, side="right"))
        return max(fitting, 1) if self._pending_rows == 0 else fitting

    def _flush(self) -> None:
        if not self._pending:
            return
        group = pa.Table.from_batches(self._pending, schema=self._schema).combine_chunks()
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
        group = group.select(self._stored.names)
        self._profile.add(group)
        self._parquet.write_table(pa.table(group.columns, schema=self._stored), row_group_size=group.num_rows)


class _HashedFile:
    """A file that knows the SHA-256 and MD5 of what was written to it."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._file = path.open("xb", buffering=0)
        self._buffer = bytearray()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        self._buffer += piece
        if len(self._buffer) >= _BUFFER:
            self._drain()
        return len(piece)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        """Nothing needs what is not a whole buffer yet."""

    def abandon(self) -> None:
        """Close and forget what was not yet written."""
        self._buffer.clear()
        self._file.close()

    def close(self) -> None:
        if not self._file.closed:
            try:
                self._drain()
            finally:
                self._file.close()

    def _drain(self) -> None:
        piece, self._buffer = self._buffer, bytearray()
        self.sha256.update(piece)
        self.md5.update(piece)
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]


def row_bytes(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Return the bytes of each row's values, independent of how the batch lies in memory."""
    total = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        total += _bytes_each(column)
    return total


def _bytes_each(array: ArrowArray) -> NDArray[np.int64] | int:
    type_ = array.type
    if _has_lengths(type_):
        return _filled(pc.binary_length(array))
    if pa.types.is_struct(type_):
        total = np.zeros(len(array), np.int64)
        for child in array.flatten():
            total += _bytes_each(child)
        return total
    if pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
        lengths = _filled(pc.list_value_length(array))
        elements = array.flatten()
        each = np.zeros(len(elements) + 1, np.int64)
        each[1:] = _bytes_each(elements)
        ends = np.cumsum(lengths)
        sums = np.cumsum(each)
        sizes: NDArray[np.int64] = sums[ends] - sums[ends - lengths] + 4
        return sizes
    return -(-int(type_.bit_width) // 8)


def _has_lengths(type_: pa.DataType) -> bool:
    return type_ in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())


def _filled(lengths: ArrowArray) -> NDArray[np.int64]:
    result: NDArray[np.int64] = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return result


def _stored_schema(schema: pa.Schema, mark: JsonObject) -> pa.Schema:
    """Return the schema as files store it: media last, marked, and telling ``datasets`` which columns are pictures.

    Media columns are stored as nullable because ``datasets`` compares them with its own feature, which is.
    """
    ordered = stored_order(schema)
    fields = [field.with_nullable(True) if is_media(field) else field for field in ordered]
    features = {
        field.name: {"_type": _FEATURES[kind]}
        for field in fields
        if is_media(field) and (kind := media_type(field).partition("/")[0]) in _FEATURES and field.type == PICTURE
    }
    metadata = {"lookalike": _json(mark)}
    if features:
        metadata["huggingface"] = _json({"info": {"features": features}})
    return pa.schema(fields, metadata=metadata)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _options(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns are stored: all with zstd and dictionaries but the media, which are neither."""
    plain = list(_leaves(schema, media=False))
    media = list(_leaves(schema, media=True))
    return {
        "compression": {**dict.fromkeys(plain, "zstd"), **dict.fromkeys(media, "none")},
        "compression_level": dict.fromkeys(plain, ZSTD_LEVEL),
        "use_dictionary": plain,
        "write_statistics": plain,
        "write_page_index": True,
        "store_schema": True,
        "version": "2.6",
    }


def _leaves(schema: pa.Schema, *, media: bool) -> Iterator[str]:
    """Yield the Parquet paths of all leaves of media columns, or of the others, as Parquet itself names them."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    stored = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    number = 0
    for field in schema:
        for _ in range(_leaf_count(field.type)):
            if is_media(field) is media:
                yield stored.column(number).path
            number += 1


def _leaf_count(type_: pa.DataType) -> int:
    return sum(_leaf_count(type_.field(i).type) for i in range(type_.num_fields)) if type_.num_fields else 1
