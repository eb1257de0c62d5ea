"""Children that are asked one thing and end: the parser of an upload, and whoever judges or compares.

Like ``client``, nothing here imports Arrow or numpy; what such a child prints may quote a person's row and is dropped.
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from generation.runner import process
from generation.runner.channels import Frames, Lines, Listener, ProtocolFault, TimeIsUp, parsed
from generation.runner.children import Child, PrepareProgress, how_it_ended, progress
from generation.runner.faults import PlatformFault, RunnerFault, SourceFault
from generation.runner.jobs import JsonObject
from generation.runner.pins import PINS


def parse_source(
    path: Path,
    out_dir: Path,
    *,
    scratch: Path,
    limits: Mapping[str, Any],
    on_progress: Callable[[], None] | None = None,
) -> JsonObject:
    """Parse an upload in a fresh child without secrets; return what ``generation.runner.parse.parse`` returned.

    ``limits`` are the parser's own, and of the child: ``memory_mib`` (1024), ``file_mib`` (4096), ``seconds`` (300) of
    wall time and as many of CPU. ``on_progress`` is called about once a second: what it raises ends the parse. Raises
    ``SourceFault`` when the file takes too much of either, ``PlatformFault`` when parsing fails in another way; neither
    repeats what the child printed, which may quote the file.
    """
    seconds = float(limits.get("seconds", 300))
    bounds = process.Bounds(limits.get("memory_mib", 1024), limits.get("file_mib", 4096), math.ceil(seconds))
    request = {
        "do": "parse",
        "path": str(path.resolve()),
        "out": str(out_dir.resolve()),
        "limits": dict(limits),
        "discreet": True,
    }
    child = Child("generation.runner.child", scratch.resolve(), bounds, PINS)
    try:
        return _parsed(child, request, seconds, on_progress)
    finally:
        child.kill()


def judge_made(
    source_dir: Path,
    made_dir: Path,
    *,
    scratch: Path,
    asked: Mapping[str, Any],
    seed: str,
    limits: Mapping[str, Any],
    on_progress: PrepareProgress = lambda *_: None,
) -> JsonObject:
    """Have a fresh child without secrets judge what was made from a source: the document ``lookalike/quality/1``.

    ``source_dir`` holds the parsed source with its hold-out, ``made_dir`` a Parquet file of made rows for each table;
    ``asked`` and ``seed`` are those of ``generation.runner.judging.report``. ``limits`` are ``memory_mib`` and
    ``seconds`` of wall time. ``on_progress`` gets (share done, what is being done), and what it raises ends the work.
    Raises ``PlatformFault``, which repeats nothing that the child said: that may quote the source.
    """
    request = {
        "do": "judge",
        "source": str(source_dir.resolve()),
        "made": str(made_dir.resolve()),
        "asked": dict(asked),
        "seed": seed,
    }
    return _report(request, scratch, limits, on_progress)


def judge_answers(
    made_dir: Path,
    *,
    key: Mapping[str, Any],
    counted: Mapping[str, Any],
    scratch: Path,
    seed: str,
    limits: Mapping[str, Any],
    on_progress: PrepareProgress = lambda *_: None,
) -> JsonObject:
    """Have a fresh child without secrets look for what an answer key says was planted: ``lookalike/quality/1``.

    ``made_dir`` holds a Parquet file of made rows for each table in which something was; ``key``, ``counted`` and
    ``seed`` are those of ``generation.runner.answers.report``, the rest as ``judge_made`` takes it.
    """
    request = {
        "do": "answers",
        "made": str(made_dir.resolve()),
        "key": dict(key),
        "counted": dict(counted),
        "seed": seed,
    }
    return _report(request, scratch, limits, on_progress)


def drift_of_upload(
    source_dir: Path,
    made: Path,
    *,
    scratch: Path,
    table: str,
    target: str | None,
    seed: str,
    limits: Mapping[str, Any],
    on_progress: PrepareProgress = lambda *_: None,
) -> JsonObject:
    """Have a fresh child without secrets compare made rows with a parsed upload: the document ``lookalike/drift/1``.

    ``source_dir`` holds the parsed upload, ``made`` is a Parquet file of rows of ``table``; the rest is as for
    ``judge_made``. Raises ``PlatformFault``, which repeats nothing that the child said.
    """
    request = {
        "do": "drift_of_upload",
        "source": str(source_dir.resolve()),
        "made": str(made.resolve()),
        "table": table,
        "target": target,
        "seed": seed,
    }
    return _report(request, scratch, limits, on_progress)


def drift_of_pairs(pairs: Path, *, scratch: Path, limits: Mapping[str, Any]) -> JsonObject:
    """Have a fresh child without secrets compare sketches or statistics: the document ``lookalike/drift/1``.

    The file ``pairs`` holds {table: [before, after]}. Raises ``PlatformFault``.
    """
    request = {"do": "drift_of_pairs", "pairs": str(pairs.resolve())}
    return _report(request, scratch, limits, lambda *_: None)


def _report(request: JsonObject, scratch: Path, limits: Mapping[str, Any], on_progress: PrepareProgress) -> JsonObject:
    """The one answer of a child that is started for it."""
    seconds = float(limits["seconds"])
    bounds = process.Bounds(limits["memory_mib"], 1, math.ceil(seconds))
    child = Child("generation.runner.child", scratch.resolve(), bounds, PINS)
    try:
        return _judged(child, {**request, "discreet": True}, seconds, on_progress)
    finally:
        child.kill()


def _parsed(child: Child, request: JsonObject, seconds: float, on_progress: Callable[[], None] | None) -> JsonObject:
    try:
        answers = _answers(child, request, seconds, on_second=on_progress)
    except TimeIsUp:
        raise SourceFault(f"Reading the file took longer than {seconds:.0f} s. Upload a smaller one.") from None
    except ProtocolFault as error:
        raise PlatformFault(f"The parser answered nonsense: {error}") from error
    if answers and "ok" in answers[0]:
        parsed: JsonObject = answers[0]["ok"]["parsed"]
        return parsed
    raise _parse_fault(child, answers)


def _judged(child: Child, request: JsonObject, seconds: float, on_progress: PrepareProgress) -> JsonObject:
    try:
        answers = _answers(child, request, seconds, on_told=lambda told: on_progress(*progress(told)))
    except TimeIsUp:
        raise PlatformFault(f"The judge took longer than {seconds:.0f} s.") from None
    except ProtocolFault as error:
        raise PlatformFault(f"The judge answered nonsense: {error}") from error
    if answers and "ok" in answers[0]:
        report: JsonObject = answers[0]["ok"]["report"]
        return report
    if answers:
        raise PlatformFault(f"The judge failed: {answers[0]['fault']['message']}")
    child.settle()
    raise PlatformFault(f"The judge was killed ({how_it_ended(child.process.returncode)}).", again=True)


def _answers(
    child: Child,
    request: JsonObject,
    seconds: float,
    *,
    on_second: Callable[[], None] | None = None,
    on_told: Callable[[Any], None] = lambda told: None,
) -> list[JsonObject]:
    """Send the one request of a child; return its answer, or nothing when all pipes ended without. Raises ``TimeIsUp``.

    ``on_second`` is called about once a second, ``on_told`` with each line of progress.
    """
    answers: list[JsonObject] = []
    child.send(request)
    end = time.monotonic() + seconds
    with contextlib.closing(Listener()) as listener:
        listener.add(child.frames, Frames(lambda _, payload: answers.append(parsed(payload))))
        listener.add(child.stderr, lambda _: None)
        listener.add(child.progress, Lines(on_told, longest=1 << 16))
        while True:
            with contextlib.suppress(TimeIsUp):
                listener.wait(lambda: bool(answers), partial(min, _soon(), end))
                return answers
            if time.monotonic() >= end:
                raise TimeIsUp
            if on_second is not None:
                on_second()


def _parse_fault(child: Child, answers: list[JsonObject]) -> RunnerFault:
    if answers:
        return PlatformFault(f"The file could not be parsed: {answers[0]['fault']['message']}")
    child.settle()
    if child.process.returncode in (-signal.SIGXCPU, -signal.SIGSEGV, -signal.SIGABRT):
        return SourceFault("Reading the file took more time or memory than an upload may take.")
    return PlatformFault(f"The parser was killed ({how_it_ended(child.process.returncode)}).", again=True)


def _soon() -> float:
    return time.monotonic() + 1.0
