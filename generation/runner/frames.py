"""Frames from the runner child to whoever reads it: ``[kind u8][table u16][length u64][payload]``, little-endian."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from enum import IntEnum

HEADER = struct.Struct("<BHQ")

#: The longest JSON answer or file name that is read, in bytes.
LONGEST_ANSWER = 64 << 20


class Kind(IntEnum):
    """What a frame carries; ``table`` is the table's number in the layout for ``BATCHES``, else 0."""

    ANSWER = 1  # JSON, the last frame of a request
    BATCHES = 2  # an Arrow IPC stream without its end mark: the schema and record batches of one table
    BLOCK_DONE = 3  # the number of the block that is complete, u64
    STATE_FILE = 4  # the name of the state file whose bytes follow
    STATE_BYTES = 5  # a piece of that file


def send(fd: int, kind: Kind, *payload: bytes | memoryview, table: int = 0) -> None:
    """Write one frame whole, blocking as long as the reader is behind. Raises ``OSError`` when there is no reader."""
    pieces = [memoryview(piece).cast("B") for piece in payload if len(piece)]
    header = HEADER.pack(kind, table, sum(piece.nbytes for piece in pieces))
    _write(fd, [memoryview(header), *pieces])


def receive(fd: int, into: memoryview) -> int:
    """Fill ``into`` from ``fd``, blocking; return how many bytes came before the end, which is less only at the end."""
    done = 0
    while done < into.nbytes:
        count = os.readv(fd, [into[done:]])
        if count == 0:
            break
        done += count
    return done


def _write(fd: int, pieces: Iterable[memoryview]) -> None:
    left = list(pieces)
    while left:
        count = os.writev(fd, left)
        while left and count >= left[0].nbytes:
            count -= left.pop(0).nbytes
        if count:
            left[0] = left[0][count:]
