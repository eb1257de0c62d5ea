"""One Parquet file of one table, written so that its bytes depend on its rows alone, and hashed as it is written."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
_COUNTED_ROWS = 6 * ROW_GROUP_ROWS  # that statistics take at once: calls for few rows cost more than their rows
_COUNTED_BYTES = ROW_GROUP_BYTES
_WAITING = 4  # pieces

#: How the ``datasets`` library calls what a media column holds.
_FEATURES = {"image": "Image", "audio": "Audio", "video": "Video"}


class TableWriter:
    """Takes batches of any size and writes row groups cut by rows and bytes; keeps the statistics in the same pass."""

    def __init__(self, path: Path, schema: pa.Schema, mark: JsonObject) -> None:
        self.rows = 0
        self._path = path
        self._schema = schema
        self._stored = _stored_schema(schema, mark)
        self._statistics = _Statistics(stored_order(schema))
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._pending_bytes = 0
        self._file = _HashedFile(path)
        # Parquet writes many small pieces: few of them should wait for the interpreter.
        self._buffered = pa.output_stream(self._file, buffer_size=_BUFFER)
        self._parquet: pq.ParquetWriter | None = None

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
        self._opened(self._stored.empty_table()).close()
        self._buffered.close()
        statistics = self._statistics.finish()
        file = {
            "path": str(self._path),
            "rows": self.rows,
            "bytes": self._file.size,
            "sha256": self._file.sha256.hexdigest(),
            "md5": self._file.md5.hexdigest(),
        }
        return file, statistics

    def discard(self) -> None:
        """Remove what was written, without writing what is left."""
        self._statistics.abandon()
        with contextlib.suppress(OSError):
            self._buffered.close()
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
        size, self._pending, self._pending_rows, self._pending_bytes = self._pending_bytes, [], 0, 0
        group = group.select(self._stored.names)
        self._statistics.add(group, size)
        stored = pa.table(group.columns, schema=self._stored)
        self._opened(stored).write_table(stored, row_group_size=stored.num_rows)

    def _opened(self, first: pa.Table) -> pq.ParquetWriter:
        """Return the writer, made when the first row group tells how columns are best stored."""
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._buffered, self._stored, **_options(first))
        return self._parquet


class _Statistics:
    """The profile of a table, kept by a thread beside the one that writes; few pieces wait for it.

    How rows are divided over pieces depends on the rows alone, so what comes out does.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._profile = TableProfile(schema)
        self._thread = ThreadPoolExecutor(1, "statistics")
        self._under_way: deque[Future[None]] = deque()
        self._groups: list[pa.Table] = []
        self._bytes = 0

    def add(self, group: pa.Table, size: int) -> None:
        """Take a row group whose values have ``size`` bytes. Raises what counting an earlier one raised."""
        self._groups.append(group)
        self._bytes += size
        if self._bytes >= _COUNTED_BYTES or sum(one.num_rows for one in self._groups) >= _COUNTED_ROWS:
            self._count()

    def finish(self) -> JsonObject:
        """Return the partial statistics of all rows."""
        if self._groups:
            self._count()
        self._wait(0)
        self._thread.shutdown()
        return self._profile.partial()

    def abandon(self) -> None:
        """Stop without a result."""
        self._thread.shutdown(cancel_futures=True)

    def _count(self) -> None:
        self._wait(_WAITING - 1)
        piece = pa.concat_tables(self._groups).combine_chunks()
        self._groups, self._bytes = [], 0
        self._under_way.append(self._thread.submit(self._profile.add, piece))

    def _wait(self, most: int) -> None:
        while len(self._under_way) > most:
            self._under_way.popleft().result()


class _HashedFile:
    """A file that knows the SHA-256 and MD5 of what was written to it."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._file = path.open("xb", buffering=0)

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        self.sha256.update(piece)
        self.md5.update(piece)
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]
        return len(piece)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        self._file.close()


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


def _options(first: pa.Table) -> dict[str, Any]:
    """Return how columns are stored, judged by the first row group: all with zstd but the media, which are packed
    already, and with a dictionary where values repeat (elsewhere one costs time and space).
    """
    plain = list(_leaves(first.schema, media=False))
    media = list(_leaves(first.schema, media=True))
    unlike = {name for name, column in zip(first.schema.names, first.columns, strict=True) if _seldom_repeats(column)}
    return {
        "compression": {**dict.fromkeys(plain, "zstd"), **dict.fromkeys(media, "none")},
        "compression_level": dict.fromkeys(plain, ZSTD_LEVEL),
        "use_dictionary": [path for path in plain if path not in unlike],
        "write_statistics": plain,
        "write_page_index": True,
        "store_schema": True,
        "version": "2.6",
    }


def _seldom_repeats(column: pa.ChunkedArray) -> bool:
    """Tell whether more than a tenth of the rows, of numbers, times or texts, differ from each other."""
    type_ = column.type
    counted = pa.types.is_primitive(type_) or pa.types.is_decimal(type_) or type_ in (pa.string(), pa.large_string())
    return counted and pc.count_distinct(column).as_py() > len(column) // 10


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
