"""The shell command: run a generator, list those installed, describe one, sketch a table. No server, no database.

``python -m generation.runner run NAME --units 1000 --out DIR`` (the console script ``lookalike`` is the same).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import queue
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import rfc8785
from pyarrow import parquet as pq

from generation.quality.judge.drift.sketches import sketch
from generation.quality.profile import finish, merge
from generation.runner.client import Runner
from generation.runner.errands import parse_source
from generation.runner.faults import RunnerFault
from generation.runner.jobs import Checked, Description, JobSpec, JsonObject, Mark, ShardResult
from generation.runner.loading import known, reference_of
from generation.runner.plan import Plan, ShardPlan, file_path, plan
from generation.runner.seed import draw_salt, draw_seed
from generation.sdk.media import ALGORITHMIC, COMPOSITE, TRAINED

_SEED = re.compile(r"[0-9a-fA-F]{32}")
_BLOCKS = re.compile(r"[0-9]+:[0-9]+")
_PARAM = re.compile(r"[^=]+=.*", re.DOTALL)


class Refused(Exception):
    """What was asked for cannot be done; the message has a line for each reason."""


@dataclass(frozen=True)
class Order:
    """What a run was asked for, checked and planned."""

    job: JobSpec
    checked: Checked
    description: Description
    plan: Plan
    shards: tuple[ShardPlan, ...]
    out: Path

    @property
    def recipe(self) -> JsonObject:
        """Everything but the seed that decides the data."""
        facts = {"bytes": self.job.facts["bytes"]} if self.job.facts is not None else None
        return {
            "generator": {
                "name": self.description.name,
                "version": self.description.version,
                "digest": self.description.digest,
            },
            "parameters": dict(self.job.params),
            "plan": self.plan.as_json(),
            "domain": self.job.domain,
            "source": facts,
        }

    @property
    def mark(self) -> Mark:
        learnt = COMPOSITE if self.description.keeps_rows else TRAINED
        kind = ALGORITHMIC if self.job.facts is None else learnt
        digest = hashlib.sha256(rfc8785.dumps(self.recipe)).hexdigest()
        return Mark(kind, self.description.name, self.description.version, f"sha256:{digest}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, 1 after a fault of the run, 2 after one of the command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    verb: Callable[[argparse.Namespace], None] = given.verb
    try:
        verb(given)
    except Refused as refused:
        _tell(str(refused))
        return 2
    except RunnerFault as fault:
        _tell(f"{fault.message} (fault of the {fault.owner})")
        if fault.log:
            _tell(f"The last words of the process:\n{fault.log}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lookalike", description="Make data from a generator, without a server.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    run = verbs.add_parser("run", help="make a dataset, or a range of its blocks")
    run.add_argument("name", help="name of an installed generator, or module:attribute")
    run.add_argument("--units", type=int, required=True, help="how many units to make")
    run.add_argument("--out", type=Path, required=True, help="folder for the files; it is made, and must be empty")
    run.add_argument("--seed", help="32 hex digits; drawn and printed if left out")
    run.add_argument("--param", action="append", default=[], metavar="K=V", help="a parameter; V is JSON, else text")
    run.add_argument("--source", type=Path, help="a CSV or Parquet file to learn from")
    run.add_argument("--split", action="append", default=[], metavar="NAME=SHARE", help="a split; train alone if none")
    run.add_argument("--blocks", metavar="A:B", help="make only blocks A to B - 1, as one shard")
    run.add_argument("--workers", type=int, default=1, help="how many shards to make at once")
    run.add_argument("--memory", type=int, default=2048, metavar="MIB", help="memory that the generator may take")
    run.set_defaults(verb=_run)
    profile = verbs.add_parser("profile", help="sketch a table without telling of anybody in it")
    profile.add_argument("file", type=Path, help="a CSV or Parquet file; nothing of it leaves this machine")
    profile.add_argument("--out", type=Path, help="where the sketch goes; printed if left out")
    profile.set_defaults(verb=_profile)
    verbs.add_parser("list", help="name the installed generators").set_defaults(verb=_list)
    describe = verbs.add_parser("describe", help="print what a generator says of itself, as JSON")
    describe.add_argument("name")
    describe.set_defaults(verb=_describe)
    return parser


def _list(given: argparse.Namespace) -> None:
    for point in known():
        _print(f"{point.name}\t{point.value}")


def _command_faults(given: argparse.Namespace) -> Iterator[str]:
    """Yield everything that is wrong with the command line, as far as no generator need be asked."""
    yield from _name_faults(given.name)
    if given.units < 1:
        yield f"--units {given.units}: ask for at least one."
    if given.out.exists() and (not given.out.is_dir() or any(given.out.iterdir())):
        yield f"--out {given.out}: there is something already; name a new or empty folder."
    if given.seed is not None and not _SEED.fullmatch(given.seed):
        yield f"--seed {given.seed}: a seed is 32 hex digits."
    if given.source is not None and not given.source.is_file():
        yield f"--source {given.source}: there is no such file."
    if given.blocks is not None and not _BLOCKS.fullmatch(given.blocks):
        yield f"--blocks {given.blocks}: give A:B, two numbers."
    yield from (f"--param {text}: give it as name=value." for text in given.param if not _PARAM.fullmatch(text))
    yield from (
        f"--split {text}: give it as name=share, such as train=0.8." for text in given.split if not _share(text)
    )
    yield from (
        f"--{name} {value}: give at least 1."
        for name, value in (("workers", given.workers), ("memory", given.memory))
        if value < 1
    )


def _name_faults(name: str) -> Iterator[str]:
    try:
        reference_of(name)
    except LookupError as error:
        yield f"{error}."


def _refuse(faults: Iterable[str]) -> None:
    if found := list(faults):
        raise Refused("\n".join(found))


def _describe(given: argparse.Namespace) -> None:
    _refuse(_name_faults(given.name))
    with _scratch() as scratch, Runner(given.name, scratch=scratch) as runner:
        _print(json.dumps(asdict(runner.describe()), ensure_ascii=False, indent=2))


def _profile(given: argparse.Namespace) -> None:
    """Sketch a file: distributions of its columns in bins and levels of ten rows or more."""
    faults = [] if given.file.is_file() else [f"{given.file}: there is no such file."]
    if given.out is not None and given.out.exists():
        faults.append(f"--out {given.out}: there is something already; name a new file.")
    _refuse(faults)
    with _scratch() as scratch:
        _parse(given.file, scratch)
        document = sketch(pq.read_table(scratch / "source" / "default.parquet"))
    text = json.dumps(document, ensure_ascii=False, indent=2)
    if given.out is None:
        _print(text)
    else:
        given.out.write_text(text + "\n", encoding="utf-8")


def _run(given: argparse.Namespace) -> None:
    _refuse(_command_faults(given))
    with _scratch() as scratch:
        facts = _parse(given.source, scratch) if given.source is not None else None
        job = JobSpec(given.name, _params(given.param), given.units, _seed(given.seed), facts=facts)
        with Runner(given.name, scratch=scratch, memory_mib=given.memory, discreet=False) as runner:
            source = scratch / "source" if facts is not None else None
            order = _ordered(runner, job, given, source)
            job = order.job
            runner.prepare(job, source, scratch / "state", lambda share, what: _tell(f"preparing {share:4.0%} {what}"))
            key = runner.answer_key(job, scratch / "state")
            results = _make(order, runner, given.workers, given.memory, scratch)
    _finish(order, results, key)


def _ordered(runner: Runner, job: JobSpec, given: argparse.Namespace, source: Path | None) -> Order:
    """Check the job, against its source too, and plan it. Raises ``Refused`` with all problems."""
    splits = [share for text in given.split if (share := _share(text))] or [("train", 1.0)]
    checked = runner.check(job, source)
    if checked.layout is None or checked.needs is None:
        raise Refused("\n".join(f"{one.field}: {one.message} {one.remedy}" for one in checked.problems))
    job = replace(job, units=checked.units or job.units)
    try:
        planned = plan(job.units, checked.layout["block"], checked.needs.seconds_per_block, splits)
    except ValueError as error:
        raise Refused(str(error)) from error
    shards = tuple(planned.shards()) if given.blocks is None else (_range(planned, given.blocks),)
    return Order(job, checked, runner.describe(), planned, shards, given.out)


def _make(order: Order, first: Runner, workers: int, memory: int, scratch: Path) -> list[ShardResult]:
    """Make all shards, several at once if so asked; return them in order."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(order.shards)):
        waiting.put(number)
    results: dict[int, ShardResult] = {}
    faults: list[BaseException] = []

    def work(runner: Runner) -> None:
        try:
            while not faults:
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                results[number] = _shard(order, number, runner, scratch)
                _tell(f"{len(results)} of {len(order.shards)} shards")
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that was asked
            faults.append(error)

    def work_alone() -> None:
        with Runner(order.job.generator, scratch=scratch, memory_mib=memory, discreet=False) as runner:
            work(runner)

    others = [threading.Thread(target=work_alone) for _ in range(min(workers, len(order.shards)) - 1)]
    for other in others:
        other.start()
    work(first)
    for other in others:
        other.join()
    if faults:
        raise faults[0]
    return [results[number] for number in range(len(order.shards))]


def _shard(order: Order, number: int, runner: Runner, scratch: Path) -> ShardResult:
    """Make one shard and move its files to where they belong."""
    shard = order.shards[number]
    folder = scratch / f"shard-{number}"
    folder.mkdir()
    result = runner.shard(order.job, shard, scratch / "state", folder, order.mark)
    for file in result.files:
        target = order.out / _path(order, shard, file.table)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file.path, target)
    return result


def _finish(order: Order, results: list[ShardResult], key: Any) -> None:
    """Write recipe, statistics and answer key beside the data, and print the digests."""
    tables = [table["name"] for table in (order.checked.layout or {})["tables"]]
    statistics = {table: finish(merge([result.statistics[table] for result in results])) for table in tables}
    documents = {"recipe.json": order.recipe, "layout.json": order.checked.layout, "statistics.json": statistics}
    if key is not None:
        documents["answer_key.json"] = key
    for name, document in documents.items():
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        (order.out / name).write_text(text, encoding="utf-8")
    _print(f"seed {order.job.seed}")
    _print(f"runtime sha256:{order.description.runtime.id}")
    for shard, result in zip(order.shards, results, strict=True):
        for file in result.files:
            _print(f"{file.sha256}  {_path(order, shard, file.table)}  {file.rows} rows  {file.bytes} bytes")


def _path(order: Order, shard: ShardPlan, table: str) -> str:
    tables = [one["name"] for one in (order.checked.layout or {})["tables"]]
    return file_path(table, shard.split, shard.number, shard.of, only_default=tables == ["default"])


def _parse(path: Path, scratch: Path) -> JsonObject:
    limits = {"holdout_key": draw_salt().hex(), "holdout_share": 0.0}
    parsed = parse_source(path, scratch / "source", scratch=scratch, limits=limits)
    if "problems" in parsed:
        raise Refused("\n".join(f"{one['field']}: {one['message']} {one['remedy']}" for one in parsed["problems"]))
    return parsed


def _range(planned: Plan, text: str) -> ShardPlan:
    first, stop = (int(number) for number in text.split(":"))
    blocks = -(-planned.units // planned.block)
    if not first < stop <= blocks:
        raise Refused(f"--blocks {text}: give A:B with A < B, of {blocks} blocks of {planned.block} units.")
    units = min(stop * planned.block, planned.units) - first * planned.block
    return ShardPlan("blocks", first, blocks, first, stop - first, first * planned.block, units, planned.block)


def _params(texts: Sequence[str]) -> dict[str, Any]:
    pairs = (text.partition("=") for text in texts)
    return {name: _value(value) for name, _, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _seed(text: str | None) -> str:
    return text.lower() if text is not None else draw_seed().hex()


def _share(text: str) -> tuple[str, float] | None:
    """Read ``name=share``; return ``None`` if it is not that."""
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        return None


@contextmanager
def _scratch() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
        yield Path(folder)


def _print(text: str) -> None:
    print(text)  # noqa: T201 - this is a command


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
