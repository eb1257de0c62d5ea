"""Loops that numba compiled beforehand: when the image is built, so that no child waits ten seconds for them.

``python -m generation.runner.compiled`` makes a little of everything whose loops are compiled and keeps what came of
it in ``FOLDER``. Each child gets a copy: numba writes where it reads, and what one child wrote no other may run.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.runner.client import Runner
from generation.runner.errands import parse_source
from generation.runner.jobs import JobSpec, Mark
from generation.runner.pins import PINS
from generation.runner.plan import plan
from generation.runner.process import COMPILED

_SEED = "00" * 16
_MARK = Mark("http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia", "none", "0", "sha256:" + "0" * 64)
_ROWS = 400


def compile_all(folder: Path) -> None:
    """Keep the loops of the house's generators in ``folder``, and nothing else that lay there."""
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        make_something(Path(scratch), {"NUMBA_CACHE_DIR": str(folder)})


def make_something(home: Path, pins: Mapping[str, str] = {}) -> None:
    """Have the generators that compile loops make a little, in children that ``pins`` are set for too."""
    upload = _a_table(home / "table.csv")
    parse_source(upload, home / "source", scratch=home, limits={"holdout_key": _SEED})
    _make("tabular", {"target": "level"}, pins, home / "tabular", home / "source")
    _make("surface-defects", {"size": 128}, pins, home / "surfaces")


def _make(name: str, params: dict[str, Any], pins: Mapping[str, str], home: Path, source: Path | None = None) -> None:
    home.mkdir()
    facts = json.loads((source / "facts.json").read_text()) if source else None
    job = JobSpec(name, params, 400 if source else 6, _SEED, facts=facts)
    with Runner(name, scratch=home, pins={**PINS, **pins}) as runner:
        runner.prepare(job, source, home / "state")
        checked = runner.check(job)
        if checked.layout is None or checked.needs is None:
            raise RuntimeError(f"{name} refused to make anything: {checked.problems}")
        shards = plan(job.units, checked.layout["block"], checked.needs.seconds_per_block, (("train", 1.0),)).shards()
        out = home / "out"
        out.mkdir()
        runner.shard(job, next(iter(shards)), home / "state", out, _MARK)


def _a_table(path: Path) -> Path:
    """Write a table with everything that is learned: numbers that hang together, levels, gaps."""
    chance = random.Random(1)  # noqa: S311 - any numbers do
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["size", "weight", "level", "shop"])
        for _ in range(_ROWS):
            size = chance.gauss(50, 9)
            weight = f"{size * 2 + chance.gauss(0, 1):.1f}" if chance.random() < 0.8 else ""
            writer.writerow([f"{size:.1f}", weight, "high" if size > 55 else "low", chance.choice("abcdefghijklmnop")])
    return path


if __name__ == "__main__":
    compile_all(COMPILED)
