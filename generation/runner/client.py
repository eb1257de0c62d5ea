"""What a worker holds: a runner child and a writer child, started when needed, kept warm, ended together.

Nothing here imports a generator, Arrow or numpy. Bulk data goes from the one child to the other and never through here.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from generation.runner import process
from generation.runner.channels import Frames, Lines, Listener, ProtocolFault, TimeIsUp, parsed
from generation.runner.children import Child, PrepareProgress, how_it_ended, progress
from generation.runner.faults import CancelledFault, GeneratorFault, PlatformFault, RunnerFault
from generation.runner.frames import Kind
from generation.runner.jobs import (
    Checked,
    Description,
    JobSpec,
    JsonObject,
    Mark,
    Needs,
    Problem,
    Runtime,
    ShardResult,
    StateFile,
    TableFile,
    Usage,
    is_state_file,
)
from generation.runner.pins import PINS
from generation.runner.plan import ShardPlan

Progress = Callable[[int, int], None]

_WRITER_MEMORY_MIB = 1024


@dataclass(frozen=True)
class Limits:
    """How long, in seconds of wall time, and how large, in MiB, anything may become.

    Where ``block_seconds`` or ``prepare_seconds`` are ``None`` they follow from what the generator says it needs:
    twenty times that, and at least one and ten minutes.
    """

    answer_seconds: float = 120.0
    block_seconds: float | None = None
    prepare_seconds: float | None = None
    file_mib: int = 1 << 20
    state_mib: int = 4096

    def for_block(self, needs: Needs) -> float:
        return self.block_seconds if self.block_seconds is not None else max(60.0, 20 * needs.seconds_per_block)

    def for_prepare(self, needs: Needs) -> float:
        return self.prepare_seconds if self.prepare_seconds is not None else max(600.0, 20 * needs.prepare_seconds)


class Runner:
    """Asks one generator for anything, any number of times. Use it as a context manager, from one thread.

    The children live as long as the thread that first asked for something; ``kill`` alone may be called from another.
    After a fault both are gone and the next question starts new ones. ``scratch`` must exist; ``memory_mib`` is what
    the generator may take beyond the interpreter and its libraries; ``pins`` replaces the environment that children
    compute in, and so the runtime id. With ``discreet`` no fault of a job that has a source repeats what an exception
    or a log said: either may quote a person's row, and faults are kept.
    """

    def __init__(
        self,
        generator: str,
        *,
        scratch: Path,
        memory_mib: int = 2048,
        limits: Limits = Limits(),
        pins: Mapping[str, str] = PINS,
        discreet: bool = True,
    ) -> None:
        self.generator = generator
        self._scratch = scratch.resolve()
        self._memory_mib = memory_mib
        self._limits = limits
        self._pins = pins
        self._discreet = discreet
        self._pair: _Pair | None = None
        self._killed = False
        self._busy = False
        self._lock = threading.Lock()
        self._checked: tuple[JobSpec, Checked] | None = None

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def describe(self) -> Description:
        """Return what the generator says of itself. Raises ``RunnerFault``."""
        with self._asking() as pair, _making_sense():
            return _description(self._described(pair))

    def check(self, job: JobSpec, source_dir: Path | None = None) -> Checked:
        """Return all problems of a job, or its layout and needs; with a source, problems with its rows too.

        ``source_dir`` is the ``out_dir`` of ``parse_source``. Raises ``RunnerFault``.
        """
        with self._asking() as pair:
            return self._check(pair, job, source_dir)

    def prepare(
        self, job: JobSpec, source_dir: Path | None, state_dir: Path, on_progress: PrepareProgress = lambda *_: None
    ) -> list[StateFile]:
        """Fit the generator or build its world; write the state's files into ``state_dir``, which is made if need be.

        ``source_dir`` is the ``out_dir`` of ``parse_source``. ``on_progress`` gets (share done, what is being done).
        Raises ``RunnerFault``; then no file is left.
        """
        state_dir.mkdir(parents=True, exist_ok=True)
        with self._asking() as pair, _StateFiles(state_dir, self._limits.state_mib << 20) as files:
            needs = self._needs(pair, job)
            request = {
                "do": "prepare",
                "job": job.as_json(),
                "source": str(source_dir.resolve()) if source_dir else None,
            }
            pair.on_progress = lambda told: on_progress(*progress(told))
            pair.ask(request, self._limits.for_prepare(needs), files.take)
            return files.finish()

    def shard(
        self,
        job: JobSpec,
        plan: ShardPlan,
        state_dir: Path,
        out_dir: Path,
        mark: Mark,
        on_progress: Progress = lambda *_: None,
    ) -> ShardResult:
        """Make one shard: a Parquet file a table, ``{table}.parquet`` in ``out_dir``, which must hold none of them yet.

        ``on_progress`` gets (units done, bytes written) after each block; what it raises ends the shard. Raises
        ``RunnerFault``; whatever is raised, no file is left.
        """
        with self._asking() as pair:
            started = time.monotonic()
            needs = self._needs(pair, job)
            checked = self._check(pair, job)
            tables = _tables(checked, out_dir.resolve())
            with _making_sense():
                runtime_id = self._described(pair)["runtime"]["id"]
            told = self._make(pair, job, plan, state_dir, tables, mark, self._limits.for_block(needs), on_progress)
            return _shard_result(told, runtime_id, time.monotonic() - started)

    def answer_key(self, job: JobSpec, state_dir: Path) -> Any:
        """Return, as JSON, what the generator planted; ``None`` if it has nothing to tell. Raises ``RunnerFault``."""
        with self._asking() as pair:
            needs = self._needs(pair, job)
            request = {"do": "answer_key", "job": job.as_json(), "state": str(state_dir.resolve())}
            answer = pair.ask(request, self._limits.for_prepare(needs))
            with _making_sense():
                return answer["answer_key"]

    def kill(self) -> None:
        """End both children for good, from any thread. What is under way raises ``CancelledFault``."""
        with self._lock:
            self._killed = True
            if self._pair is not None and self._busy:
                self._pair.kill()
            else:
                self._close()

    def close(self) -> None:
        """End both children. Nothing may be under way."""
        with self._lock:
            self._close()

    @contextlib.contextmanager
    def _asking(self) -> Iterator[_Pair]:
        """Give the children to one question; if it fails in any way, leave none of them behind."""
        with self._lock:
            if self._was_killed():
                raise CancelledFault("The work was cancelled.")
            if self._pair is not None and not self._pair.alive:
                self._close()  # whoever killed them meanwhile, the next question is not at fault
            if self._pair is None:
                self._pair = _Pair(
                    self.generator, self._scratch, self._memory_mib, self._limits, self._pins, self._discreet
                )
            pair, self._busy = self._pair, True
        try:
            yield pair
        except BaseException as error:
            self.close()
            if self._was_killed() and isinstance(error, RunnerFault):
                raise CancelledFault("The work was cancelled.") from error
            raise
        finally:
            self._busy = False

    def _was_killed(self) -> bool:
        """Asked anew each time: ``kill`` comes from another thread."""
        return self._killed

    def _close(self) -> None:
        if self._pair is not None:
            self._pair.close()
            self._pair = None
            self._checked = None  # the next children may import other code

    def _described(self, pair: _Pair) -> JsonObject:
        if pair.description is None:
            pair.description = pair.ask({"do": "describe"}, self._limits.answer_seconds)
        return pair.description

    def _check(self, pair: _Pair, job: JobSpec, source_dir: Path | None = None) -> Checked:
        if job.generator != self.generator:
            raise ValueError(f"this runner is for {self.generator}, the job for {job.generator}")
        if self._checked is None or self._checked[0] != job or source_dir is not None:
            with _making_sense():
                digest = self._described(pair)["digest"]
            if job.digest is not None and job.digest != digest:
                raise PlatformFault(f"{self.generator} is installed here as {digest}, the job names {job.digest}.")
            source = str(source_dir.resolve()) if source_dir else None
            request = {"do": "check", "job": job.as_json(), "source": source}
            answer = pair.ask(request, self._limits.answer_seconds)
            with _making_sense():
                self._checked = (job, _checked(answer))
        return self._checked[1]

    def _needs(self, pair: _Pair, job: JobSpec) -> Needs:
        checked = self._check(pair, job)
        if checked.needs is None:
            told = "; ".join(f"{problem.field}: {problem.message}" for problem in checked.problems)
            raise PlatformFault(f"A job that has problems cannot be run. {told}")
        return checked.needs

    def _make(
        self,
        pair: _Pair,
        job: JobSpec,
        plan: ShardPlan,
        state_dir: Path,
        tables: list[JsonObject],
        mark: Mark,
        block_seconds: float,
        on_progress: Progress,
    ) -> JsonObject:
        span = {"block": plan.block, "first_block": plan.first_block, "blocks": plan.blocks}
        paths = [Path(table["path"]) for table in tables]
        if taken := [path for path in paths if path.exists()]:
            raise FileExistsError(f"{taken[0]} is there already")
        try:
            return pair.write(
                {"do": "shard", "job": job.as_json(), "state": str(state_dir.resolve()), **span},
                {"tables": tables, "mark": mark.as_json(), "units": job.units, **span},
                block_seconds,
                lambda blocks, size: on_progress(min(blocks * plan.block, plan.units), size),
            )
        except BaseException:
            pair.kill()
            for path in paths:
                path.unlink(missing_ok=True)
            raise


class _Pair:
    """The runner child and, once a shard was asked for, the writer child that reads its frames."""

    def __init__(
        self,
        generator: str,
        scratch: Path,
        memory_mib: int,
        limits: Limits,
        pins: Mapping[str, str],
        discreet: bool,
    ) -> None:
        self.description: JsonObject | None = None
        self.on_progress: Callable[[Any], None] = lambda told: None
        self._generator = generator
        self._scratch = scratch
        self._pins = pins
        self._discreet = discreet
        self._saw_a_source = False
        self._writer_bounds = process.Bounds(memory_mib + _WRITER_MEMORY_MIB, limits.file_mib)
        self._deadline = math.inf
        self._listener = Listener()
        self._runner = Child("generation.runner.child", scratch, process.Bounds(memory_mib, limits.file_mib), pins)
        self._writer: Child | None = None
        self._told: list[JsonObject] = []
        self._listener.add(self._runner.stderr, self._runner.last_words)
        self._listener.add(self._runner.progress, Lines(lambda told: self.on_progress(told), longest=1 << 16))

    def ask(
        self, request: JsonObject, seconds: float, on_frame: Callable[[Kind, bytes], None] | None = None
    ) -> JsonObject:
        """Ask the generator and return its answer; other frames go to ``on_frame``."""
        answers: list[Any] = []

        def take(kind: Kind, payload: bytes) -> None:
            if kind == Kind.ANSWER:
                answers.append(parsed(payload))
            elif on_frame is not None:
                on_frame(kind, payload)
            else:
                raise ProtocolFault(f"a frame of kind {kind.name} came instead of an answer")

        self._deadline = time.monotonic() + seconds
        self._listener.add(self._runner.frames, Frames(take))
        self._runner.send(self._addressed(request))
        self._wait(lambda: bool(answers), seconds)
        self._listener.remove(self._runner.frames)
        if not answers:
            raise self._death()
        return self._accepted(answers[0])

    def write(
        self, request: JsonObject, order: JsonObject, block_seconds: float, on_blocks: Callable[[int, int], None]
    ) -> JsonObject:
        """Have the generator make and the writer write a shard; return what the writer says of it."""
        writer = self._writer = self._writer or self._start_writer()
        self._told.clear()
        self._deadline = time.monotonic() + block_seconds
        writer.send(order)
        self._runner.send(self._addressed(request))
        done = 0
        while True:
            self._wait(lambda: bool(self._told) or writer.process.poll() is not None, block_seconds)
            if not self._told:
                raise self._death()
            told = self._told.pop(0)
            if "blocks" not in told:
                break
            if told["blocks"] > done:
                done = told["blocks"]
                self._deadline = time.monotonic() + block_seconds
            on_blocks(done, told["bytes"])
        if "broken" in told:
            raise self._death()
        return self._accepted(told)

    @property
    def alive(self) -> bool:
        """Whether none of the processes has ended."""
        return all(child is None or child.process.poll() is None for child in (self._runner, self._writer))

    def kill(self) -> None:
        """End both processes; may be called from another thread, and more than once."""
        for child in (self._runner, self._writer):
            if child is not None:
                process.kill_tree(child.process)

    def close(self) -> None:
        """End both processes and close everything."""
        self._listener.close()
        for child in (self._runner, self._writer):
            if child is not None:
                child.kill()

    def _addressed(self, request: JsonObject) -> JsonObject:
        """Name the generator, and say whether faults must keep silent: from the first job with a source on."""
        if self._discreet and request.get("job", {}).get("facts") is not None:
            self._saw_a_source = True
        return {**request, "generator": self._generator, "discreet": self._saw_a_source}

    def _words(self, child: Child) -> str:
        return "" if self._saw_a_source else str(child.last_words)

    def _start_writer(self) -> Child:
        writer = Child(
            "generation.runner.writer", self._scratch, self._writer_bounds, self._pins, frames=self._runner.frames
        )
        self._listener.add(writer.stderr, writer.last_words)
        self._listener.add(writer.stdout, Lines(self._told.append))
        return writer

    def _wait(self, until: Callable[[], bool], seconds: float) -> None:
        """Listen until something is there or the generator's process has ended; translate what may go wrong."""
        try:
            self._listener.wait(lambda: until() or self._runner.process.poll() is not None, lambda: self._deadline)
        except TimeIsUp:
            raise GeneratorFault(
                f"The generator took longer than {seconds:.0f} s.", log=self._words(self._runner)
            ) from None
        except ProtocolFault as error:
            raise GeneratorFault(
                f"The generator's process sent what it may not send: {error}", log=self._words(self._runner)
            ) from error

    def _accepted(self, answer: Any) -> JsonObject:
        match answer:
            case {"ok": dict() as result}:
                return result
            case {"fault": {"owner": owner, "message": message}}:
                # A generator cannot blame the buyer.
                fault = PlatformFault if owner == PlatformFault.owner else GeneratorFault
            case _:
                raise GeneratorFault("The generator's process answered what makes no sense.")
        speaker = self._runner if fault is GeneratorFault or self._writer is None else self._writer
        raise fault(f"The generator failed: {message}", log=self._words(speaker))

    def _death(self) -> RunnerFault:
        """Say which of the two died and of what."""
        writer = self._writer
        a_moment_more = time.monotonic() + 0.2  # for last words
        with contextlib.suppress(TimeIsUp):
            self._listener.wait(lambda: False, lambda: a_moment_more)
        for child, name in ((writer, "writer"), (self._runner, "generator")):
            if child is not None and child.process.poll() is not None:
                return _death(child, name, self._words(child))
        self._runner.settle()
        return _death(self._runner, "generator", self._words(self._runner))


class _StateFiles:
    """Writes the state's files as they come; on a fault removes them."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._left = most_bytes
        self._open: _OpenFile | None = None
        self._finished: list[StateFile] = []

    def __enter__(self) -> _StateFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._end_file()
            for one in self._finished:
                one.path.unlink(missing_ok=True)

    def take(self, kind: Kind, payload: bytes) -> None:
        """Take one frame. Raises ``ProtocolFault`` for a name that is a path, for more bytes than may come."""
        if kind == Kind.STATE_FILE:
            self._end_file()
            name = payload.decode(errors="replace")
            if not is_state_file(name) or (self._folder / name).exists():
                raise ProtocolFault(f"the state has a file named {name!r}")
            self._open = _OpenFile(self._folder / name)
        elif kind == Kind.STATE_BYTES and self._open is not None:
            self._left -= len(payload)
            if self._left < 0:
                raise ProtocolFault("the state is larger than a state may be")
            self._open.write(payload)
        else:
            raise ProtocolFault(f"a frame of kind {kind.name} came")

    def finish(self) -> list[StateFile]:
        """Return the files, in the order in which they came."""
        self._end_file()
        return self._finished

    def _end_file(self) -> None:
        if self._open is not None:
            self._finished.append(self._open.finish())
            self._open = None


@dataclass
class _OpenFile:
    path: Path
    size: int = 0

    def __post_init__(self) -> None:
        self._file = self.path.open("xb")
        self._digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self.size += len(piece)
        self._digest.update(piece)
        self._file.write(piece)

    def finish(self) -> StateFile:
        self._file.close()
        return StateFile(self.path.name, self.path, self.size, self._digest.hexdigest())


@contextlib.contextmanager
def _making_sense() -> Iterator[None]:
    """Blame a generator's process for an answer without the members that such an answer has."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GeneratorFault(f"The generator's process answered what makes no sense: {error!r}") from error


def _death(child: Child, name: str, log: str) -> RunnerFault:
    child.settle()
    code = child.process.returncode
    if code in (-signal.SIGKILL, -signal.SIGTERM):
        return PlatformFault(f"The {name}'s process was killed ({how_it_ended(code)}).", log=log, again=True)
    if name == "writer" and code >= 0:
        return PlatformFault(f"The writer's process ended by itself ({how_it_ended(code)}).", log=log, again=True)
    what = "crashed on what the generator sent" if name == "writer" else "ended before it had answered"
    return GeneratorFault(f"The {name}'s process {what} ({how_it_ended(code)}).", log=log)


def _description(answer: JsonObject) -> Description:
    return Description(**{**answer, "runtime": Runtime(**answer["runtime"])})


def _checked(answer: JsonObject) -> Checked:
    problems = tuple(Problem(**problem) for problem in answer["problems"])
    if problems:
        return Checked(problems, None, None)
    needs = {**answer["needs"], "extras": tuple(answer["needs"]["extras"])}
    return Checked(
        (), answer["layout"], Needs(**needs), tuple(bytes.fromhex(one) for one in answer["schemas"]), answer["units"]
    )


def _tables(checked: Checked, out_dir: Path) -> list[JsonObject]:
    layout = checked.layout or {"tables": []}
    return [
        {
            "name": table["name"],
            "rows": table["rows"],
            "rules": table.get("rules", []),
            "schema": schema.hex(),
            "path": str(out_dir / f"{table['name']}.parquet"),
        }
        for table, schema in zip(layout["tables"], checked.schemas, strict=True)
    ]


def _shard_result(told: JsonObject, runtime_id: str, seconds: float) -> ShardResult:
    files = tuple(TableFile(**{**file, "path": Path(file["path"])}) for file in told["files"])
    generator, writer = told["generator"], told["writer"]
    usage = Usage(
        seconds, generator["cpu_seconds"], writer["cpu_seconds"], generator["peak_bytes"], writer["peak_bytes"]
    )
    return ShardResult(files, told["statistics"], runtime_id, usage)
