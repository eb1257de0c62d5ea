"""``python -m tests.bench [NAME…]``: measure, print a table, write ``var/bench.json``; 1 if a limit is exceeded.

Each benchmark is a process of its own, under the environment that the runner's children have, so that A and B compute
alike and none finds the memory or the imports of another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from generation.runner.pins import PINS
from tests.bench.measure import BASE_DIR, Figure

BENCHMARKS = ("position", "shards", "site", "shelves", "download", "payments", "scale")


def main(names: Sequence[str]) -> int:
    """Run the benchmarks called ``names``, all if none are, and return the exit status."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}; name some of {', '.join(BENCHMARKS)}.\n")
        return 2
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        sys.stderr.write(f"measuring {name} …\n")
        figures += _measured(name)
    sys.stdout.write("\n".join(_table(figures)) + "\n")
    written = BASE_DIR / "var" / "bench.json"
    written.parent.mkdir(exist_ok=True)
    told = [{**asdict(figure), "value": figure.value, "holds": figure.holds} for figure in figures]
    written.write_text(json.dumps(told, indent=2) + "\n")
    return 0 if all(figure.holds for figure in figures) else 1


def _measured(name: str) -> list[Figure]:
    command = [sys.executable, "-m", f"tests.bench.{name}"]
    done = subprocess.run(
        command, cwd=BASE_DIR, env={**os.environ, **PINS}, stdout=subprocess.PIPE, check=True, text=True
    )
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def _table(figures: Sequence[Figure]) -> list[str]:
    lines = [f"{'':<44}{'A':>42}{'B':>46}{'':>14}{'limit':>8}"]
    for figure in figures:
        a = f"{figure.a}: {figure.median_a:,.4g} {figure.unit}"
        b = f"{figure.b}: {figure.median_b:,.4g} {figure.unit}"
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        told = "" if figure.holds else "  over the limit"
        lines.append(f"{figure.name:<44}{a:>42}{b:>46}{figure.compared:>7}{figure.value:>7.2f}{limit:>8}{told}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
