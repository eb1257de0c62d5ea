"""One child process and what comes of it: the pipes to it, its progress, how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from generation.runner import process
from generation.runner.channels import LastWords, ProtocolFault
from generation.runner.faults import PlatformFault
from generation.runner.jobs import JsonObject

PrepareProgress = Callable[[float, str], None]

_SETTLE_SECONDS = 5.0


class Child:
    """One child process with its pipes: ``frames`` and ``progress`` are read here, unless somebody else does."""

    def __init__(
        self, module: str, scratch: Path, bounds: process.Bounds, pins: Mapping[str, str], frames: int | None = None
    ) -> None:
        self.last_words = LastWords()
        self.frames = -1
        self.progress = -1
        passed: list[int] = []
        try:
            if frames is None:
                self.frames, frames_end = os.pipe()
                self.progress, progress_end = os.pipe()
                passed = [frames_end, progress_end]
                _widen(self.frames)
            else:
                frames_end, progress_end = frames, -1
            self.process = process.spawn(
                module, frames=frames_end, progress=progress_end, bounds=bounds, scratch=scratch, pins=pins
            )
        except OSError as error:
            self._close_pipes()
            raise PlatformFault(f"A child process could not be started: {error}", again=True) from error
        finally:
            for fd in passed:
                os.close(fd)

    @property
    def stdout(self) -> int:
        return _pipe(self.process.stdout)

    @property
    def stderr(self) -> int:
        return _pipe(self.process.stderr)

    def send(self, request: JsonObject) -> None:
        """Send one request; a child that is gone is noticed when its answer is waited for."""
        left = memoryview(process.json_line(request))
        with contextlib.suppress(BrokenPipeError):
            while left:
                left = left[os.write(_pipe(self.process.stdin), left) :]

    def settle(self) -> None:
        """Wait a moment for a child that ended by itself, then kill what is left of it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_SETTLE_SECONDS)
        process.kill_tree(self.process)

    def kill(self) -> None:
        """End the child with all that it started, and close the pipes to it."""
        process.kill_tree(self.process)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._close_pipes()

    def _close_pipes(self) -> None:
        for fd in (self.frames, self.progress):
            if fd >= 0:
                os.close(fd)
        self.frames = self.progress = -1


def progress(told: Any) -> tuple[float, str]:
    """Read a line of progress, so that what whoever is told of it raises is not taken for a bad line."""
    try:
        return float(told["share"]), str(told["what"])
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise ProtocolFault(f"a line is no progress: {error!r}") from error


def how_it_ended(code: int) -> str:
    """Say of what a process died, or how it ended by itself."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _pipe(stream: Any) -> int:
    fd: int = stream.fileno()
    return fd


def _widen(fd: int) -> None:
    """Let a pipe hold a mebibyte where the system allows it, so that the two ends wait for each other less often."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 1 << 20)
