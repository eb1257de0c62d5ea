"""A runner, a job and a shard of the toys, as tests of the runner need them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from generation.runner import JobSpec, Mark, Runner, ShardPlan, ShardResult

SEED = "00112233445566778899aabbccddeeff"
MARK = Mark("http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia", "toy", "1.0.0", "sha256:" + "ab" * 32)
CLINIC = "tests.generation.runner.toys:clinic"
CROOK = "tests.generation.runner.toys:crook"


def a_job(generator: str = CLINIC, units: int = 20, **params: Any) -> JobSpec:
    return JobSpec(generator, params, units, SEED)


def all_blocks(job: JobSpec, block: int = 10) -> ShardPlan:
    """One shard of the whole job."""
    return ShardPlan("train", 0, 1, 0, -(-job.units // block), 0, job.units, block)


def a_shard(runner: Runner, job: JobSpec, home: Path, plan: ShardPlan | None = None, out: str = "out") -> ShardResult:
    """Prepare, if that was not done, and make a shard into the new folder ``out``."""
    if not (home / "state").exists():
        runner.prepare(job, None, home / "state")
    (home / out).mkdir()
    return runner.shard(job, plan or all_blocks(job), home / "state", home / out, MARK)


def files_below(folders: Iterable[Path]) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
