"""Making a version again and comparing: same runtime by digest, another runtime by value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
from django.conf import settings

from catalog import attachments
from catalog.models import Version
from generation.runner import TableFile, file_path
from generation.runs import recipes, workplace
from generation.runs.models import Run
from marketplace import storage
from marketplace.keys import dsse
from marketplace.work.leases import Lease

Outcome = Literal["same digest", "same values", "different"]


class NotReplayable(Exception):
    """Nobody can make the version again."""


@dataclass(frozen=True)
class Comparison:
    """One file that was made again: its path, and how it came out."""

    path: str
    outcome: Outcome


@dataclass(frozen=True)
class Replay:
    """A version made again: under which runtime, and how each file came out."""

    version: Version
    runtime: str
    same_runtime: bool
    files: list[Comparison]

    @property
    def words(self) -> str:
        """The result in one sentence."""
        counts = Counter(file.outcome for file in self.files)
        told = ", ".join(
            f"{counts[outcome]:,} gave the {outcome}" for outcome in ("same digest", "same values") if counts[outcome]
        )
        if counts["different"]:
            told = ", ".join(filter(None, [told, f"{counts['different']:,} came out different"]))
        runtime = "the same runtime" if self.same_runtime else "another runtime"
        return f"Made again under {runtime}: of {len(self.files):,} files {told}."

    @property
    def agrees(self) -> bool:
        """Did every file come out as published?"""
        return all(file.outcome != "different" for file in self.files)


def replay(version: Version, tell: Callable[[str], None] = lambda text: None, lease: Lease | None = None) -> Replay:
    """Make all shards of ``version`` again from its recipe, seed and kept state, and compare each file.

    The result is signed and attached to the version. Raises generation.runner.RunnerFault when it cannot be made, and
    NotReplayable for what holds rows of an upload.
    """
    if version.keeps_rows:
        raise NotReplayable(f"{version} holds rows of an upload, and what they were taken from is deleted with it.")
    run = Run.objects.select_related("generator__generator__account", "source").get(id=version.run)
    compared: list[Comparison] = []
    runtime = ""
    for made_under, files in _made_again(run, lease):
        runtime = made_under
        for path, made in files:
            compared.append(Comparison(path, _compare(version, path, made)))
            tell(f"{path}: {compared[-1].outcome}")
    done = Replay(version, runtime, runtime == run.runtime_id, compared)
    _attach(done)
    return done


def _made_again(run: Run, lease: Lease | None) -> Iterator[tuple[str, list[tuple[str, TableFile]]]]:
    """(runtime id, files by path) of each shard; the files lie on disk until the next shard."""
    only = [table["name"] for table in run.layout["tables"]] == ["default"]
    mark = workplace.mark(run.generator, recipes.recipe_digest(run), fitted=run.source_id is not None)
    with workplace.warm_runner(run.generator, run.plan["memory_mib"], lease) as runner:
        for shard in run.shards.defer("statistics").order_by("position"):
            with workplace.scratch_folder("replay") as out:
                result = runner.shard(
                    workplace.job(run),
                    workplace.shard_plan(run, shard),
                    workplace.state_folder(run),
                    out,
                    mark,
                    lambda units, written: None,
                )
                named = [
                    (file_path(file.table, shard.split, shard.number, shard.of, only_default=only), file)
                    for file in result.files
                ]
                yield result.runtime_id, named


def _compare(version: Version, path: str, made: TableFile) -> Outcome:
    published = version.files.get(path=path)
    if made.sha256 == published.sha256:
        return "same digest"
    with workplace.scratch_folder("published") as folder:
        copy = folder / "published.parquet"
        storage.download(storage.blob_key(published.sha256), copy)
        return "same values" if _same_values(copy, made.path) else "different"


def _same_values(one: Path, other: Path) -> bool:
    with pq.ParquetFile(one) as first, pq.ParquetFile(other) as second:
        if not first.schema_arrow.equals(second.schema_arrow):
            return False
        pairs = zip(first.iter_batches(), second.iter_batches(), strict=False)
        same_rows = first.metadata.num_rows == second.metadata.num_rows
        return same_rows and all(a.equals(b) for a, b in pairs)


def _attach(done: Replay) -> None:
    statement: dict[str, Any] = {
        "_type": recipes.STATEMENT,
        "subject": [{"name": "manifest.json", "digest": {"sha256": done.version.digest}}],
        "predicateType": f"{settings.PUBLIC_URL}/predicates/replay/v1",
        "predicate": {
            "runtime": f"sha256:{done.runtime}",
            "sameRuntime": done.same_runtime,
            "files": [{"path": file.path, "outcome": file.outcome} for file in done.files],
            "words": done.words,
        },
    }
    envelope = dsse.sign_statement(statement, "provenance")
    attachments.put(done.version, attachments.store("replay", json.dumps(envelope).encode()))
