"""Parquet: the footer's claims are checked before anything is decoded, and counted again while it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from generation.runner.parse.faults import Fault, Limits, UnreadableError

_BATCH = 16_384


class ParquetUpload:
    """A Parquet file whose columns are all plain. ``first_row`` is the number of the first row."""

    first_row = 1
    has_header = True

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        try:
            self.schema = self._file().schema_arrow
        except (pa.ArrowException, OSError):
            message = "The Parquet file is incomplete or damaged: its footer cannot be read."
            raise UnreadableError(Fault("damaged", message, "Upload the whole file again, or write it anew.")) from None
        self.names = list(self.schema.names)
        self._check_size()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order; stops with a fault when more is decoded than an upload may have."""
        decoded = 0
        for batch in self._file().iter_batches(batch_size=_BATCH, use_threads=False):
            decoded += batch.nbytes
            if decoded > self.limits.decoded_bytes:
                raise UnreadableError(self._too_large())
            yield batch

    def _file(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.path, memory_map=False, pre_buffer=False)

    def _check_size(self) -> None:
        metadata = self._file().metadata
        claimed = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        # a run-length page holds a billion rows in a few bytes, so rows count too: a bit each at least
        if max(claimed, metadata.num_rows * metadata.num_columns // 8) > self.limits.decoded_bytes:
            raise UnreadableError(self._too_large())

    def _too_large(self) -> Fault:
        message = f"Unpacked, the file is larger than {self.limits.decoded_bytes >> 20:,} MiB."
        return Fault("too_large", message, "Upload a part of the rows or fewer columns.")
