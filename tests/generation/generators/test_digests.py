"""The same recipe gives the same files, byte for byte, whoever makes which shard, when, and in what batches.

``card-transactions`` by the shell command with 1, 2 and 4 workers and by the runner with its shards in reverse, under
three ``PYTHONHASHSEED``s and in batches of three sizes; the other house generators by fewer of these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import rfc8785

from generation.runner import JobSpec, Mark, Runner, parse_source, plan
from generation.runner.__main__ import main
from generation.runner.pins import PINS
from tests.data.tables import tumours, write_csv

SEED = bytes(range(16)).hex()
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
Digests = dict[str, str]


@dataclass(frozen=True)
class Case:
    """A recipe, small enough to be made many times and large enough to have several shards, of several row groups."""

    generator: str
    units: int
    params: Mapping[str, Any]
    splits: tuple[tuple[str, float], ...] = (("train", 1.0),)


CARDS = Case("card-transactions", 300, {"transactions": 120_000}, (("train", 0.8), ("test", 0.2)))
OTHERS = {
    "surface-defects": Case("surface-defects", 10, {"size": 128}),
    "inspection-reports": Case("inspection-reports", 10, {"size": 128}),
    "tabular": Case("tabular", 2000, {}),
    "clinic-visits": Case("clinic-visits", 1000, {"setting": "hospital"}),
    "store-baskets": Case("store-baskets", 1000, {"returns": 0.1}),
}


def commanded(case: Case, out: Path, *options: str) -> Digests:
    """The files of the shell command."""
    given = [
        *("run", case.generator, "--units", str(case.units), "--seed", SEED, "--out", str(out)),
        *(word for name, value in case.params.items() for word in ("--param", f"{name}={json.dumps(value)}")),
        *(word for name, share in case.splits for word in ("--split", f"{name}={share}")),
        *options,
    ]
    assert main(given) == 0
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*.parquet")
    }


def made(
    case: Case, home: Path, mark: Mark, *, backward: bool = False, source: Path | None = None, **pins: str
) -> Digests:
    """The files of the runner, by the names that the shell command gives them."""
    home.mkdir()
    facts = json.loads((source / "facts.json").read_text()) if source else None
    job = JobSpec(case.generator, case.params, case.units, SEED, facts=facts)
    found: Digests = {}
    with Runner(case.generator, scratch=home, pins=PINS | pins) as runner:
        runner.prepare(job, source, home / "state")
        checked = runner.check(job)
        assert checked.layout is not None
        assert checked.needs is not None
        shards = list(plan(case.units, checked.layout["block"], checked.needs.seconds_per_block, case.splits).shards())
        assert len(shards) >= 4
        for shard in reversed(shards) if backward else shards:
            out = home / f"{shard.split}-{shard.number}"
            out.mkdir()
            for file in runner.shard(job, shard, home / "state", out, mark).files:
                folder = "data" if len(checked.layout["tables"]) == 1 else file.table
                found[f"{folder}/{shard.split}-{shard.number:05d}-of-{shard.of:05d}.parquet"] = file.sha256
    return found


def mark_of(out: Path) -> Mark:
    """The mark of a run of the shell command, so that others may make the very same files."""
    recipe = json.loads((out / "recipe.json").read_text())
    digest = hashlib.sha256(rfc8785.dumps(recipe)).hexdigest()
    return Mark(DIGITAL_SOURCE_TYPE, recipe["generator"]["name"], recipe["generator"]["version"], f"sha256:{digest}")


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> tuple[Digests, Mark]:
    out = tmp_path_factory.mktemp("cards") / "out"
    digests = commanded(CARDS, out)
    assert len(set(digests.values())) == len(digests) >= 8
    metadata = [pq.read_metadata(out / path) for path in digests]
    assert sum(file.num_rows for file in metadata) == 120_000
    assert max(file.num_row_groups for file in metadata) > 1
    return digests, mark_of(out)


@pytest.mark.parametrize("workers", ["2", "4"])
def test_card_transactions_are_the_same_files_by_any_number_of_workers(
    workers: str, cards: tuple[Digests, Mark], tmp_path: Path
) -> None:
    assert commanded(CARDS, tmp_path / "out", "--workers", workers) == cards[0]


@pytest.mark.parametrize("hash_seed", ["1", "77", "4294967295"])
def test_card_transactions_are_the_same_files_backward_and_under_any_hash_seed(
    hash_seed: str, cards: tuple[Digests, Mark], tmp_path: Path
) -> None:
    digests, mark = cards
    assert made(CARDS, tmp_path / "home", mark, backward=hash_seed != "1", PYTHONHASHSEED=hash_seed) == digests


@pytest.mark.parametrize("size", ["by_50", "by_500"])
def test_card_transactions_are_the_same_files_in_batches_of_any_size(
    size: str, cards: tuple[Digests, Mark], tmp_path: Path
) -> None:
    digests, mark = cards
    resliced = replace(CARDS, generator=f"tests.generation.generators.resliced:{size}")
    assert made(resliced, tmp_path / "home", mark) == digests


@pytest.mark.parametrize("name", ["surface-defects", "inspection-reports", "clinic-visits", "store-baskets"])
def test_others_are_the_same_files_by_two_workers_and_backward_under_another_hash_seed(
    name: str, tmp_path: Path
) -> None:
    case = OTHERS[name]
    digests = commanded(case, tmp_path / "out", "--workers", "2")
    mark = mark_of(tmp_path / "out")
    assert made(case, tmp_path / "home", mark, backward=True, PYTHONHASHSEED="7") == digests


def test_a_learned_table_is_the_same_files_fitted_again_by_others_and_backward(tmp_path: Path) -> None:
    case = OTHERS["tabular"]
    upload = write_csv(tumours(), tmp_path / "tumours.csv")
    (tmp_path / "scratch").mkdir()
    limits = {"holdout_key": "5a" * 16}
    parse_source(upload, tmp_path / "source", scratch=tmp_path / "scratch", limits=limits)
    mark = Mark(DIGITAL_SOURCE_TYPE, "tabular", "1", "sha256:" + "0" * 64)
    forward = made(case, tmp_path / "forward", mark, source=tmp_path / "source")
    assert len(set(forward.values())) == len(forward) >= 4
    backward = made(case, tmp_path / "b", mark, source=tmp_path / "source", backward=True, PYTHONHASHSEED="7")
    assert backward == forward
