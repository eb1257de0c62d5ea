"""The same recipe gives the same bytes: in any order of blocks, in any process, under any hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MATRIX = {
    "generation.generators.tabular.card_transactions:generator": (400, ["transactions=20000"]),
    "generation.generators.image.surface_defects:generator": (12, ["size=128"]),
    "generation.generators.multimodal.inspection_reports:generator": (12, ["size=128"]),
    "tests.generation.dice:dice": (5000, []),
}


def digests(reference: str, units: int, order: str, hash_seed: str, given: list[str]) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.generation.generators.blocks", reference, str(units), order, *given]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("reference", MATRIX)
def test_blocks_are_the_same_in_any_order_and_under_any_hash_seed(reference: str) -> None:
    units, given = MATRIX[reference]
    forward = digests(reference, units, "forward", "1", given)
    assert len(set(forward.values())) == len(forward) >= 4
    assert digests(reference, units, "backward", "2", given) == forward
    assert digests(reference, units, "forward", "3", given) == forward
