"""Compute what independent tools say and keep it: each tool in an environment of its own, never in the project's.

Some of them need packages under licences or of ages that the project may not have, so nothing here is a dependency.
Run by ``make reference``; names given as arguments choose tools. A tool's script reads the tables of ``inputs`` from
a folder of Parquet files and prints what it found as JSON; it is kept under ``EXPECTED`` with the digests of the
tables, so that a test knows when it compares other tables than those that were measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet as pq

from tests.apart import python_apart
from tests.reference.expected import EXPECTED, digest
from tests.reference.inputs import inputs

HERE = Path(__file__).parent
#: Where the environments lie; git ignores it.
ENVIRONMENTS = HERE.parents[1] / ".reference"


@dataclass(frozen=True)
class Tool:
    """A tool in its environment. ``inputs`` begin the names of the tables that its script ``with_NAME.py`` reads."""

    name: str
    requirements: tuple[str, ...]
    licence: str
    inputs: str


TOOLS = (
    Tool(
        "sdmetrics", ("sdmetrics==0.32.0", "pandas==2.3.3", "pyarrow"), "MIT; needs copulas, which is BUSL", "likeness"
    ),
    Tool(
        "anonymeter",
        ("anonymeter==1.1.0", "pandas==2.3.3", "pyarrow<22"),
        "Clear BSD, no patent grant; needs numpy < 1.27",
        "privacy",
    ),
    Tool("fairlearn", ("fairlearn==0.15.0", "pandas==2.3.3", "pyarrow"), "MIT", "fairness"),
)


def main(names: list[str]) -> int:
    """Compute anew what the named tools say, or all; return an exit status."""
    tables = inputs()
    if unknown := set(names) - {tool.name for tool in TOOLS}:
        print(f"There is no reference named {', '.join(sorted(unknown))}.", file=sys.stderr)  # noqa: T201
        return 1
    for tool in TOOLS:
        if names and tool.name not in names:
            continue
        read = {name: table for name, table in tables.items() if name.startswith(tool.inputs)}
        with tempfile.TemporaryDirectory() as folder:
            for name, table in read.items():
                pq.write_table(table, Path(folder) / f"{name}.parquet")
            values = json.loads(_run(tool, folder))
        found = {
            "tool": {"name": tool.name, "requirements": tool.requirements, "licence": tool.licence},
            "inputs": {name: digest(table) for name, table in read.items()},
            "values": values,
        }
        EXPECTED.mkdir(exist_ok=True)
        (EXPECTED / f"{tool.name}.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
        print(f"{tool.name}: kept in {EXPECTED.name}/{tool.name}.json")  # noqa: T201
    return 0


def _run(tool: Tool, folder: str) -> bytes:
    """Run the tool's script over the tables in ``folder`` and return what it prints."""
    python = python_apart(ENVIRONMENTS / tool.name, tool.requirements)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}
    script = HERE / f"with_{tool.name}.py"
    return subprocess.run([python, script, folder], env=environment, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
