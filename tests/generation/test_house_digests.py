"""House generators never change under a version: their digests are committed beside them.

When this fails after a change of a generator's code, give the generator a new version, then renew the line.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation.runner import Runner
from marketplace.site.demo import HOUSE_GENERATORS

TABLE = Path(__file__).parents[2] / "generation" / "generators" / "digests.json"
DIGESTS: dict[str, dict[str, str]] = json.loads(TABLE.read_text())


@pytest.mark.parametrize("name", HOUSE_GENERATORS)
def test_the_code_of_a_version_is_the_one_that_was_committed(name: str, tmp_path: Path) -> None:
    with Runner(name, scratch=tmp_path) as runner:
        description = runner.describe()
    assert DIGESTS[name][description.version] == description.digest
