"""The writer child: reads what a generator sent, trusts none of it, and writes Parquet and statistics.

``python -m generation.runner.writer`` with a start. Requests are JSON lines on stdin, one a shard; frames are read from
descriptor 3; answers are JSON lines on stdout: ``{"blocks", "bytes"}`` as blocks are complete, then one of
``{"ok": …}``, ``{"fault": {"owner", "message"}}`` or ``{"broken": …}`` when the frames ended before the shard did.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import struct
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pyarrow as pa

from generation.runner import process
from generation.runner.channels import ProtocolFault, parsed
from generation.runner.checks import DataFault, checked
from generation.runner.frames import HEADER, LONGEST_ANSWER, Kind, receive
from generation.runner.jobs import JsonObject
from generation.runner.parquet import TableWriter
from generation.runner.promises import Promises

FRAMES = 3
ANSWERS = 4
_MOST = 1 << 62  # of anything that a generator says of itself
_AHEAD = 4  # frames read while an earlier one is written

Frame = tuple[Kind, int, pa.Buffer]


class BrokenOff(Exception):
    """The frames ended, or became nonsense, in the middle of a shard: whoever sent them has died or lies."""


class Shard:
    """One shard on its way to disk: a file a table, blocks in order, as many rows as were promised."""

    def __init__(self, request: JsonObject) -> None:
        self._block: int = request["block"]
        self._units: int = request["units"]
        self._next: int = request["first_block"]
        self._stop = self._next + request["blocks"]
        self._tables = request["tables"]
        self._declared = [pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(one["schema"]))) for one in self._tables]
        self._rows_before = [0] * len(self._tables)
        self._promises = [Promises(one["name"], one["rules"]) for one in self._tables]
        self._writers: list[TableWriter] = []
        for one, schema in zip(self._tables, self._declared, strict=True):
            self._writers.append(TableWriter(Path(one["path"]), schema, request["mark"]))

    @property
    def bytes(self) -> int:
        return sum(writer.bytes for writer in self._writers)

    def add(self, table: int, payload: pa.Buffer) -> None:
        """Check and write the batches of one frame. Raises ``DataFault``."""
        if table >= len(self._tables):
            raise DataFault(f"there is no table number {table}")
        if self._next == self._stop:
            raise DataFault("batches came after the last block")
        name = self._tables[table]["name"]
        try:
            batches = list(pa.ipc.open_stream(payload))
        except (pa.ArrowException, OSError) as error:
            raise DataFault(f"table {name}: what came is no Arrow stream: {error}") from error
        for batch in batches:
            rows = checked(batch, self._declared[table], name)
            self._promises[table].check(rows)
            self._writers[table].add(rows)

    def end_block(self, payload: pa.Buffer) -> None:
        """Count the rows of the block that is complete. Raises ``DataFault``."""
        if payload.size != 8:
            raise DataFault("what came is no number of a block")
        (block,) = struct.unpack("<Q", payload.to_pybytes())
        if block != self._next or self._next == self._stop:
            raise DataFault(f"block {block} came where block {self._next} was due")
        units = min((block + 1) * self._block, self._units) - block * self._block
        for number, (one, writer) in enumerate(zip(self._tables, self._writers, strict=True)):
            rows = writer.rows - self._rows_before[number]
            if one["rows"] == "one" and rows != units:
                raise DataFault(
                    f"table {one['name']}: block {block} has {rows} rows for {units} units, one each is due"
                )
            self._rows_before[number] = writer.rows
        self._next += 1

    def finish(self) -> JsonObject:
        """Complete the files; return them and the partial statistics by table. Raises ``DataFault``."""
        if self._next != self._stop:
            raise DataFault(f"the generator ended before block {self._next}")
        finished = [writer.finish() for writer in self._writers]
        names = [one["name"] for one in self._tables]
        return {
            "files": [{"table": name, **file} for name, (file, _) in zip(names, finished, strict=True)],
            "statistics": {
                name: {**partial, **promises.finish()}
                for name, (_, partial), promises in zip(names, finished, self._promises, strict=True)
            },
        }

    def discard(self) -> None:
        """Leave no file behind."""
        for writer in self._writers:
            with contextlib.suppress(OSError):
                writer.discard()


def main() -> None:
    """Write one shard after the other until stdin ends."""
    start, requests = process.begin()
    answers = os.dup(1)
    os.dup2(2, 1)
    process.place({start.frames: FRAMES, answers: ANSWERS})
    process.bound(start.bounds)
    while True:
        request = json.loads(requests.get())
        _say(_written(request, start.bounds))


def _written(request: JsonObject, bounds: process.Bounds) -> JsonObject:
    shard, meter = None, process.Meter()
    try:
        shard = Shard(request)
        usage = _take(shard, bounds.memory_mib << 19)
        return {"ok": {**shard.finish(), "generator": usage, "writer": meter.used()}}
    except _Relayed as relayed:
        answer = relayed.answer
    except BrokenOff as error:
        answer = {"broken": str(error)}
    except DataFault as error:
        answer = _fault("seller", str(error))
    except Exception as error:  # noqa: BLE001 - a full disk or a fault of ours: the client must hear of it
        traceback.print_exc()
        answer = _unwritten(error, bounds)
    if shard is not None:
        shard.discard()
    return answer


def _unwritten(error: Exception, bounds: process.Bounds) -> JsonObject:
    """Tell whose fault it is that writing failed: what is larger than it may be is the generator's."""
    if isinstance(error, MemoryError):
        return _fault("seller", "writing what it sent took more memory than it may: yield smaller batches")
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return _fault("seller", f"the file of a table became larger than {bounds.file_mib} MiB")
    return _fault("platform", f"the shard could not be written: {type(error).__name__}: {error}")


class _Relayed(Exception):
    """The generator's process reported a fault of its own."""

    def __init__(self, answer: JsonObject) -> None:
        super().__init__()
        self.answer = answer


def _take(shard: Shard, longest: int) -> Any:
    """Write what comes until the answer that ends it; return the usage that the answer tells."""
    blocks = 0
    for kind, table, payload in _ahead(longest):
        if kind == Kind.BATCHES:
            shard.add(table, payload)
        elif kind == Kind.BLOCK_DONE:
            shard.end_block(payload)
            blocks += 1
            _say({"blocks": blocks, "bytes": shard.bytes})
        elif kind == Kind.ANSWER:
            return _usage(payload)
        else:
            raise DataFault(f"a frame of kind {kind.name} has no place in a shard")
    raise BrokenOff("the frames ended before the shard did")


def _usage(payload: pa.Buffer) -> Any:
    """Return the usage that an answer tells; raise ``_Relayed`` if it tells a fault."""
    try:
        answer = parsed(payload.to_pybytes())
    except ProtocolFault:
        answer = None
    match answer:
        case {"ok": {"usage": {"cpu_seconds": int() | float() as seconds, "peak_bytes": int() | float() as peak}}} if (
            0 <= seconds < _MOST and 0 <= peak < _MOST
        ):
            return {"cpu_seconds": seconds, "peak_bytes": peak}
        case {"fault": {"owner": str(), "message": str()}}:
            raise _Relayed(answer)
    raise DataFault("what came is no answer")


def _ahead(longest: int) -> Iterator[Frame]:
    """Yield the frames of one shard, read by a thread of its own a little ahead, so that the generator goes on."""
    frames: Queue[Frame | BaseException | None] = Queue(_AHEAD)
    threading.Thread(target=_read, args=(longest, frames), daemon=True).start()
    while (frame := frames.get()) is not None:
        if isinstance(frame, BaseException):
            raise frame
        yield frame


def _read(longest: int, into: Queue[Frame | BaseException | None]) -> None:
    try:
        while (frame := _next_frame(longest)) is not None:
            into.put(frame)
            if frame[0] == Kind.ANSWER:
                break
        into.put(None)
    except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
        into.put(error)


def _next_frame(longest: int) -> Frame | None:
    header = bytearray(HEADER.size)
    came = receive(FRAMES, memoryview(header))
    if came == 0:
        return None
    if came < HEADER.size:
        raise BrokenOff("the frames broke off in a header")
    number, table, length = HEADER.unpack(header)
    if number not in Kind.__members__.values():
        raise DataFault(f"a frame of unknown kind {number} came")
    kind = Kind(number)
    limit = longest if kind == Kind.BATCHES else LONGEST_ANSWER
    if length > limit:
        raise DataFault(f"one frame has {length >> 20} MiB, more than {limit >> 20}: yield smaller batches")
    payload = pa.allocate_buffer(length)
    if receive(FRAMES, memoryview(payload)) < length:
        raise BrokenOff("the frames broke off in a payload")
    return kind, table, payload


def _fault(owner: str, message: str) -> JsonObject:
    return {"fault": {"owner": owner, "message": message}}


def _say(value: JsonObject) -> None:
    line = memoryview(process.json_line(value))
    while line:
        line = line[os.write(ANSWERS, line) :]


if __name__ == "__main__":
    main()
