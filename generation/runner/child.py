"""The runner child: the one process that imports a generator. ``python -m generation.runner.child`` with a start.

Requests come as JSON lines on stdin; frames go out on descriptor 3, progress as JSON lines on 4; what is printed is the
log. Each request ends with an ANSWER frame: ``{"ok": …}`` or ``{"fault": {"owner", "message"}}``. A fault of a request
that is ``discreet`` repeats no text of an exception.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from generation.runner import process, state
from generation.runner.facts import facts_from_json
from generation.runner.frames import Kind, send
from generation.runner.jobs import JsonObject, Runtime
from generation.runner.layouts import faults_of, layout_json
from generation.runner.loading import Loaded, load
from generation.runner.planted import faults_of_planted
from generation.runner.runtime import runtime_of
from generation.sdk import Generator, Job, Keeper, Layout, Problem, Source, State, Streams, keeps_rows

FRAMES = 3
PROGRESS = 4
_TELL_SECONDS = 0.2
_PIECE = 8 << 20  # bytes of a state file in one frame


class OurFault(Exception):
    """Something that the platform gave this child cannot be used."""


class ContractFault(Exception):
    """The generator did not keep to its contract; the message says how."""


class Child:
    """Answers requests about one generator, named in the first of them; keeps what the last job prepared."""

    def __init__(self) -> None:
        self._name = ""
        self._job: tuple[str, Job] | None = None
        self._state: tuple[tuple[object, ...], State] | None = None

    def answer(self, request: JsonObject) -> Any:
        """Do what ``request`` asks and return what goes into the answer."""
        self._name = request.get("generator", self._name)
        verb: Callable[[JsonObject], Any] = getattr(self, f"do_{request['do']}")
        return verb(request)

    def do_describe(self, request: JsonObject) -> JsonObject:
        generator = self._generator
        return {
            "name": generator.name,
            "version": generator.version,
            "digest": self._loaded.digest,
            "title": generator.title,
            "summary": generator.summary,
            "modality": generator.modality,
            "source": generator.source,
            "exact": generator.exact,
            "keeps_rows": keeps_rows(generator),
            "parameters_schema": generator.Parameters.model_json_schema(),
            "runtime": asdict(self._runtime),
        }

    def do_check(self, request: JsonObject) -> JsonObject:
        source = self._source(request.get("source"))
        problems, job = self._checked(request["job"], source)
        if job is None:
            return {"problems": [asdict(problem) for problem in problems]}
        if source is not None and keeps_rows(self._generator):
            amount = cast(Keeper, self._generator).amount(replace(job, source=source))
            job = replace(job, units=amount)
        layout = self._layout(job)
        return {
            "problems": [],
            "units": job.units,
            "layout": layout_json(layout),
            "needs": asdict(self._generator.needs(job)),
            "schemas": [_encoded(table.schema) for table in layout.tables],
        }

    def do_prepare(self, request: JsonObject) -> JsonObject:
        job = self._ready(request["job"])
        source = self._source(request["source"])
        prepared = self._generator.prepare(job, source, _Teller())
        for name, file in state.file_names(prepared):
            send(FRAMES, Kind.STATE_FILE, file.encode())
            with _StateFile() as into:
                state.write(prepared[name], cast(BinaryIO, into))
        return {}

    def do_shard(self, request: JsonObject) -> JsonObject:
        meter = process.Meter()
        job = self._ready(request["job"])
        prepared = self._prepared(request["state"])
        layout = self._layout(job)
        size, first = request["block"], request["first_block"]
        for block in range(first, first + request["blocks"]):
            units = range(block * size, min((block + 1) * size, job.units))
            for table, batch in self._batches(layout, job, prepared, units):
                send(FRAMES, Kind.BATCHES, _schema_message(batch.schema), memoryview(batch.serialize()), table=table)
            send(FRAMES, Kind.BLOCK_DONE, struct.pack("<Q", block))
        return {"usage": meter.used()}

    def do_answer_key(self, request: JsonObject) -> Any:
        job = self._ready(request["job"])
        key = self._generator.answer_key(job, self._prepared(request["state"]))
        if faults := faults_of_planted(key, self._layout(job)):
            raise ContractFault(f"the answer key says what cannot be looked for: {'; '.join(faults)}")
        return {"answer_key": key}

    def do_parse(self, request: JsonObject) -> Any:
        parser = importlib.import_module("generation.runner.parse")
        return {"parsed": parser.parse(Path(request["path"]), Path(request["out"]), request["limits"])}

    def do_judge(self, request: JsonObject) -> Any:
        judging = importlib.import_module("generation.runner.judging")
        source, made = Path(request["source"]), Path(request["made"])
        return {
            "report": judging.report(source, made, asked=request["asked"], seed=request["seed"], tell=_Teller(every=0))
        }

    def do_answers(self, request: JsonObject) -> Any:
        answers = importlib.import_module("generation.runner.answers")
        told = {name: request[name] for name in ("key", "counted", "seed")}
        return {"report": answers.report(Path(request["made"]), **told, tell=_Teller(every=0))}

    def do_drift_of_pairs(self, request: JsonObject) -> Any:
        drifting = importlib.import_module("generation.runner.drifting")
        return {"report": drifting.of_pairs(Path(request["pairs"]))}

    def do_drift_of_upload(self, request: JsonObject) -> Any:
        drifting = importlib.import_module("generation.runner.drifting")
        asked = {name: request[name] for name in ("table", "target", "seed")}
        return {
            "report": drifting.of_upload(Path(request["source"]), Path(request["made"]), **asked, tell=_Teller(every=0))
        }

    @cached_property
    def _loaded(self) -> Loaded:
        return load(self._name)

    @property
    def _generator(self) -> Generator:
        return self._loaded.generator

    @cached_property
    def _runtime(self) -> Runtime:
        return runtime_of(self._loaded.imported)

    def _source(self, folder: str | None) -> Source | None:
        """Open the source in ``folder``, if there is one; its withheld rows too for who keeps rows."""
        return None if folder is None else _open_source(folder, whole=keeps_rows(self._generator))

    def _checked(self, spec: JsonObject, source: Source | None = None) -> tuple[list[Problem], Job | None]:
        """Return the problems of a job, or the job when there is none; with ``source`` its rows are looked at too."""
        problems = []
        if spec["units"] < 1:
            problems.append(Problem("units", "There is nothing to make.", "Ask for at least one unit."))
        if spec["facts"] is None and self._generator.source == "required":
            problems.append(Problem("source", "This generator learns from a source.", "Upload a file to learn from."))
        if spec["facts"] is not None and self._generator.source == "none":
            problems.append(Problem("source", "This generator uses no source.", "Leave the file out."))
        try:
            params = self._generator.Parameters.model_validate(spec["params"])
        except ValidationError as error:
            return problems + _problems(error), None
        if problems:
            return problems, None
        job = _job(params, spec)
        problems = list(self._generator.check(replace(job, source=source)))
        return problems, (None if problems else job)

    def _ready(self, spec: JsonObject) -> Job:
        """Return the job of ``spec``, checked once; raises ``OurFault`` if it has problems."""
        key = json.dumps(spec, sort_keys=True)
        if self._job is None or self._job[0] != key:
            problems, job = self._checked(spec)
            if job is None:
                told = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
                raise OurFault(f"the job was not checked before it was run: {told}")
            self._job = (key, job)
        return self._job[1]

    def _prepared(self, folder: str) -> State:
        try:
            identity = state.identity(Path(folder))
            if self._state is None or self._state[0] != identity:
                self._state = (identity, state.load(Path(folder)))
        except (OSError, ValueError) as error:
            raise OurFault(f"the state cannot be read: {error}") from error
        return self._state[1]

    def _layout(self, job: Job) -> Layout:
        layout = self._generator.layout(job)
        if faults := faults_of(layout):
            raise ContractFault(f"the layout cannot be made: {'; '.join(faults)}")
        if any(table.kept for table in layout.tables) != keeps_rows(self._generator):
            raise ContractFault(
                "a layout has rows of the source if, and only if, its generator says that it keeps rows"
            )
        return layout

    def _batches(self, layout: Layout, job: Job, prepared: State, units: range) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the batches of one block with their table's number, as far as this process can tell in good order."""
        numbers = {table.name: number for number, table in enumerate(layout.tables)}
        for name, batch in self._generator.block(job, prepared, units):
            if name not in numbers:
                raise ContractFault(f"block yielded a table {name!r}; the layout has {', '.join(numbers)}")
            if not isinstance(batch, pa.RecordBatch):
                raise ContractFault(f"block yielded a {type(batch).__name__} for {name}, not a pyarrow.RecordBatch")
            yield numbers[name], batch


class _Teller:
    """What ``prepare`` and the judge are given to tell how far they are; passed on every few tenths of a second."""

    def __init__(self, every: float = _TELL_SECONDS) -> None:
        self._every = every
        self._next = 0.0

    def __call__(self, share: float, what: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            os.write(PROGRESS, process.json_line({"share": min(max(float(share), 0.0), 1.0), "what": str(what)[:200]}))


class _StateFile:
    """A file to write to that sends what it is given as frames."""

    closed = False

    def __enter__(self) -> _StateFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def write(self, piece: bytes | memoryview) -> int:
        view = memoryview(piece).cast("B")
        for start in range(0, view.nbytes, _PIECE):
            send(FRAMES, Kind.STATE_BYTES, view[start : start + _PIECE])
        return view.nbytes

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """There is nothing to flush: ``write`` has sent everything."""


def main() -> None:
    """Take requests until stdin ends."""
    start, requests = process.begin()
    _take_over(start)
    process.bound(start.bounds)
    child = Child()
    while True:
        answer = _answered(child, requests.get())
        sys.stderr.flush()
        send(FRAMES, Kind.ANSWER, answer)


def _answered(child: Child, line: bytes) -> bytes:
    discreet = False
    try:
        request = json.loads(line)
        discreet = bool(request.get("discreet"))
        return process.json_line({"ok": child.answer(request)})
    except OurFault as error:
        traceback.print_exc()
        return _fault("platform", str(error))
    except ContractFault as error:
        return _fault("seller", str(error))
    except MemoryError:
        traceback.print_exc()
        return _fault("seller", "it took more memory than it may have")
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:  # noqa: BLE001 - whatever a generator raises is its fault and must be told
        if discreet:
            return _fault("seller", _without_its_words(error))
        traceback.print_exc()
        return _fault("seller", f"it raised {type(error).__name__}: {error}"[:2000])


def _without_its_words(error: Exception) -> str:
    """Say what was raised and where, but not its text, which may quote a row of a buyer's source."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.name}, {Path(frame.filename).name}, line {frame.lineno}"
    return f"it raised {type(error).__name__} ({place}); its words are withheld, they may quote the source"


def _fault(owner: str, message: str) -> bytes:
    return process.json_line({"fault": {"owner": owner, "message": message}})


def _take_over(start: process.Start) -> None:
    """Put frames on 3 and progress on 4, close all else but the log, which also takes what is printed."""
    process.place({start.frames: FRAMES, start.progress: PROGRESS})
    os.dup2(2, 1)


def _job(params: BaseModel, spec: JsonObject) -> Job:
    facts = facts_from_json(spec["facts"]) if spec["facts"] is not None else None
    return Job(params, spec["units"], Streams(bytes.fromhex(spec["seed"]), spec["domain"]), facts)


def _problems(error: ValidationError) -> list[Problem]:
    """Return one problem for each thing that pydantic found, named by the path of the parameter."""
    found = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in fault["loc"]) or "parameters"
        remedy = {
            "missing": "Give it a value.",
            "extra_forbidden": "Leave it out: there is no such parameter.",
        }.get(fault["type"], "Change it to what the description of the parameter allows.")
        found.append(Problem(field, f"{fault['msg']}.", remedy))
    return found


def _open_source(folder: str, *, whole: bool) -> Source:
    """Open a parsed source; the module that reads sources is loaded only where there is one."""
    reader = importlib.import_module("generation.runner.source")
    try:
        return cast(Source, reader.open_whole(Path(folder)) if whole else reader.open_source(Path(folder)))
    except (OSError, ValueError, KeyError) as error:
        raise OurFault(f"the source cannot be read: {error}") from error


def _schema_message(schema: pa.Schema) -> bytes:
    return bytes(schema.remove_metadata().serialize())


def _encoded(schema: pa.Schema) -> str:
    return bytes(schema.serialize()).hex()


if __name__ == "__main__":
    main()
