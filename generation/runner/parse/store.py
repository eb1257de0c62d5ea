"""The typed form of an upload on disk, and the hold-out that fitting never sees.

``default.parquet`` holds the rows to learn from, ``holdout/default.parquet`` those withheld, ``holdout/default.npy``
the places of these in the upload, ``facts.json`` what was understood. The hold-out has a folder of its own so that a
fitting child can be given the rest alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from generation.runner.parse.arrow import ArrowArray, pc
from generation.runner.parse.faults import Limits
from generation.sdk import Streams

_SPAN = 1 << 16  # rows whose fate one stream decides
_ROW_GROUP = 1 << 16


class Store:
    """Writes into ``folder``; ``scratch`` is for files that are gone afterwards."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.kept = folder / "default.parquet"
        self.withheld = folder / "holdout" / "default.parquet"
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._limits = limits

    @contextmanager
    def writing(self, schema: pa.Schema, rows: int) -> Iterator[Callable[[pa.RecordBatch], None]]:
        """Give a function that stores one batch of the ``rows`` of ``schema``, each on its side of the hold-out."""
        self.withheld.parent.mkdir(exist_ok=True)
        with ExitStack() as stack:
            kept, withheld = (
                stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd", store_schema=True))
                for path in (self.kept, self.withheld)
            )
            choose = self._choose(schema, self._limits.withheld(rows))
            places = _Places()

            def write(batch: pa.RecordBatch) -> None:
                mask = choose(batch)
                places.note(mask)
                kept.write_batch(batch.filter(pc.invert(mask)), row_group_size=_ROW_GROUP)
                withheld.write_batch(batch.filter(mask), row_group_size=_ROW_GROUP)

            yield write
            np.save(self.withheld.with_suffix(".npy"), places.found(), allow_pickle=False)

    def _choose(self, schema: pa.Schema, share: float) -> Callable[[pa.RecordBatch], ArrowArray]:
        key = bytes.fromhex(self._limits.holdout_key)
        identifier = self._limits.identifier
        if identifier is not None and identifier in schema.names:
            return _HoldoutByPerson(key, share, identifier)
        return _HoldoutByPosition(key, share)

    def finish(self, answer: Mapping[str, Any]) -> None:
        """Record what was understood and remove what was only needed on the way."""
        (self.folder / "facts.json").write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def discard(self) -> None:
        """Remove everything: a refused upload leaves nothing."""
        for path in (self.kept, self.withheld):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.withheld.parent, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)


class _Places:
    """Where in the upload the withheld rows stand, so that all rows can be put into its order again."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._row = 0

    def note(self, mask: ArrowArray) -> None:
        """Take in which of the next rows are withheld."""
        chosen = mask.to_numpy(zero_copy_only=False)
        self._parts.append(self._row + np.flatnonzero(chosen))
        self._row += len(chosen)

    def found(self) -> np.ndarray:
        """Return the places of all withheld rows, in order."""
        return np.concatenate([*self._parts, np.empty(0, np.int64)]).astype(np.int64)


class _HoldoutByPosition:
    """Withholds a row by a keyed hash of its position (Philox under a key of the platform's)."""

    def __init__(self, key: bytes, share: float) -> None:
        self._streams = Streams(hashlib.sha256(b"holdout" + key).digest()[:16], "holdout")
        self._share = share
        self._row = 0

    def __call__(self, batch: pa.RecordBatch) -> ArrowArray:
        first, last = self._row, self._row + batch.num_rows
        self._row = last
        spans = range(first // _SPAN, -(-last // _SPAN))
        drawn = [self._streams.rng("rows", span).random(_SPAN) for span in spans]
        offset = spans.start * _SPAN
        chosen = np.concatenate([*drawn, np.empty(0)])[first - offset : last - offset] < self._share
        return pa.array(chosen)


class _HoldoutByPerson:
    """Withholds all rows of a person or none, by a keyed hash of the identifying value."""

    def __init__(self, key: bytes, share: float, identifier: str) -> None:
        self._key = hashlib.sha256(b"holdout" + key).digest()
        self._bound = int(share * 2**64)
        self._identifier = identifier

    def __call__(self, batch: pa.RecordBatch) -> ArrowArray:
        people = batch.column(self._identifier).cast(pa.string()).dictionary_encode(null_encoding="encode")
        chosen = np.array([self._withheld(str(value)) for value in people.dictionary.to_pylist()], dtype=bool)
        return pa.array(chosen[people.indices.to_numpy(zero_copy_only=False)])

    def _withheld(self, person: str) -> bool:
        digest = hashlib.blake2b(person.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "little") < self._bound
