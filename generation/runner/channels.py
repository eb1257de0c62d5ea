"""Reading what several children say at once: lines, frames and last words, each in its own buffer."""

from __future__ import annotations

import json
import os
import re
import selectors
import time
from collections.abc import Callable
from typing import Any

from generation.runner.frames import HEADER, LONGEST_ANSWER, Kind

_PIECE = 1 << 18
_LAST_WORDS = 8_192
_LONGEST_LINE = 256 << 20
#: A NUL or half a character, which JSON can write and neither PostgreSQL nor a file of ours can hold.
_NOT_STORED = re.compile(r"(?<!\\)(?:\\\\)*\\u(?:0000|[dD][89a-fA-F])")


class ProtocolFault(Exception):
    """What came through a pipe is not what may come there."""


class TimeIsUp(Exception):
    """Nothing that was waited for came in time."""


class LastWords:
    """The end of what a child printed; all before it is dropped as it comes."""

    def __init__(self) -> None:
        self._end = b""

    def __call__(self, piece: bytes) -> None:
        self._end = (self._end + piece)[-_LAST_WORDS:]

    def __str__(self) -> str:
        return self._end.decode(errors="replace").replace("\0", "\ufffd").strip()


class Lines:
    """Calls ``take`` with each line of JSON."""

    def __init__(self, take: Callable[[Any], None], longest: int = _LONGEST_LINE) -> None:
        self._take = take
        self._longest = longest
        self._buffer = bytearray()

    def __call__(self, piece: bytes) -> None:
        self._buffer += piece
        if b"\n" in piece:
            *lines, rest = self._buffer.split(b"\n")
            self._buffer = rest
            for line in lines:
                self._take(parsed(line))
        if len(self._buffer) > self._longest:
            raise ProtocolFault("a line has no end")


class Frames:
    """Calls ``take`` with each frame's kind and payload; for small frames, not for data."""

    def __init__(self, take: Callable[[Kind, bytes], None]) -> None:
        self._take = take
        self._buffer = bytearray()

    def __call__(self, piece: bytes) -> None:
        self._buffer += piece
        while len(self._buffer) >= HEADER.size:
            kind, _, length = HEADER.unpack_from(self._buffer)
            if kind not in Kind.__members__.values() or length > LONGEST_ANSWER:
                raise ProtocolFault(f"a frame of kind {kind} and {length} bytes came")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            self._take(Kind(kind), payload)


class Listener:
    """Waits on any number of pipes and hands what comes to whoever listens there."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, fd: int, take: Callable[[bytes], None]) -> None:
        """Give every piece that comes from ``fd`` to ``take``, until its end."""
        self._selector.register(fd, selectors.EVENT_READ, take)

    def remove(self, fd: int) -> None:
        """Stop listening, if ``fd`` has not ended already."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def wait(self, until: Callable[[], bool], deadline: Callable[[], float]) -> bool:
        """Hand on what comes until ``until()``; return ``False`` when all pipes have ended before.

        Raises ``TimeIsUp`` when the monotonic clock passes ``deadline()``, which may move on meanwhile.
        """
        while not until():
            if not self._selector.get_map():
                return False
            left = deadline() - time.monotonic()
            if left <= 0:
                raise TimeIsUp
            for key, _ in self._selector.select(min(left, 1.0)):
                piece = os.read(key.fd, _PIECE)
                if piece:
                    key.data(piece)
                else:
                    self._selector.unregister(key.fd)
        return True

    def close(self) -> None:
        self._selector.close()


def parsed(words: bytes | bytearray) -> Any:
    """Return the JSON that a child sent.

    Raises ``ProtocolFault`` for what is none: NaN and infinities too, what is nested without end, and text that cannot
    be stored.
    """
    try:
        text = words.decode()
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ProtocolFault("what came is not JSON") from error
    if _NOT_STORED.search(text):
        raise ProtocolFault("a text holds a NUL byte or half a character")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
