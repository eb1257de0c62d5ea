"""``python -m tests.bench.tabular DATA``: fit, make and judge each table of a folder of CSV files.

``DATA`` is a folder, ``--tables`` names some of its files, ``--peers`` which peers to run (``none`` for none). We run
with ``--seeds`` seeds, each a split, a fit and made rows of its own; peers with the first. Every synthesizer is a
process of its own, gets the same half of the rows and makes as many; the other half judges. Seconds are wall time of
that process, so let nothing else run beside. Compiled code is warm: a fit on 500 rows goes before the one that counts.
Writes ``var/bench-tabular.json``; returns 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pyarrow import parquet as pq
from scipy import stats

from generation.runner.pins import PINS
from tests.apart import python_apart
from tests.bench.measure import BASE_DIR
from tests.bench.tabular.measures import Quality, measured
from tests.bench.tabular.tables import TARGETS, Halves, halves, read

PEERS = Path(__file__).parent / "peers"
#: Where peers are installed; git ignores it.
ENVIRONMENTS = BASE_DIR / ".bench"
#: A peer by its name: the environment that it runs in, and what is installed there.
_SDV = ("sdv", ("torch==2.13.0", "sdv==2.0.0", "pyarrow"))
_MOSTLYAI = ("mostlyai", ("torch==2.13.0", "mostlyai-engine==2.7.3", "pyarrow"))
#: Come with a peer and fit no other torch than their own; nothing here needs them.
WITHOUT = {"mostlyai": ("torchaudio", "torchvision")}
INSTALLED = {"copula": _SDV, "ctgan": _SDV, "mostlyai": _MOSTLYAI}
#: What we want of a table, of the means over all seeds: measure, at least, at most.
GOALS: Mapping[str, Sequence[tuple[str, float, float]]] = {
    "adult": (("detection", 0.48, 0.53), ("taught", 0.99, math.inf), ("closer", 0.48, 0.52)),
    "stops": (("detection", 0.48, 0.53), ("taught", 0.975, math.inf), ("closer", 0.475, 0.525)),
}
_COLUMNS = (
    ("fit_seconds", "fit s", "{:.2f}"),
    ("rows_per_second", "rows/s", "{:,.0f}"),
    ("peak_mib", "peak MiB", "{:,.0f}"),
    ("likeness", "likeness", "{:.3f}"),
    ("detection", "detection", "{:.3f}"),
    ("detection_holdout", "vs hold-out", "{:.3f}"),
    ("bootstrap_holdout", "(bootstrap)", "{:.3f}"),
    ("taught", "TSTR ratio", "{:.3f}"),
    ("closer", "DCR share", "{:.3f}"),
    ("exact", "exact", "{:.1f}"),
    ("exact_holdout", "(hold-out)", "{:.1f}"),
)

Run = dict[str, float]


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for and return an exit status."""
    asked = _asked(arguments)
    paths = sorted(path for path in asked.data.glob("*.csv") if not asked.tables or path.stem in asked.tables)
    if not paths:
        sys.stderr.write(f"There is no such CSV file in {asked.data}.\n")
        return 2
    peers = [] if asked.peers == ["none"] else asked.peers or list(INSTALLED)
    if unknown := set(peers) - set(INSTALLED):
        sys.stderr.write(f"There is no peer {', '.join(sorted(unknown))}; name some of {', '.join(INSTALLED)}.\n")
        return 2
    told: dict[str, dict[str, list[Run]]] = {}
    missed = []
    for path in paths:
        runs = told[path.stem] = _runs(path, peers, range(asked.seeds))
        sys.stdout.write("\n".join(_table(path.stem, runs)) + "\n\n")
        sys.stdout.flush()
        missed += _missed(path.stem, runs["lookalike"])
    written = BASE_DIR / "var" / "bench-tabular.json"
    written.parent.mkdir(exist_ok=True)
    written.write_text(json.dumps(told, indent=1) + "\n")
    sys.stdout.write("".join(f"missed: {line}\n" for line in missed))
    return 1 if missed else 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tabular")
    parser.add_argument("data", type=Path)
    parser.add_argument("--tables", nargs="*", default=[])
    parser.add_argument("--peers", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args(arguments)


def _runs(path: Path, peers: Sequence[str], seeds: Sequence[int]) -> dict[str, list[Run]]:
    """Fit, make and judge; for each synthesizer a run for each seed."""
    table = read(path)
    runs: dict[str, list[Run]] = {"lookalike": []}
    for seed in seeds:
        split = halves(table, TARGETS.get(path.stem), seed)
        runs["lookalike"].append(_run("lookalike", split, seed))
        for peer in peers if seed == seeds[0] else ():
            try:
                runs[peer] = [_run(peer, split, seed)]
            except subprocess.CalledProcessError as error:
                sys.stderr.write(f"{peer} failed on {path.stem}: {error}\n")
    return runs


def _run(name: str, split: Halves, seed: int) -> Run:
    sys.stderr.write(f"{split.name}, seed {seed}: {name} …\n")
    with tempfile.TemporaryDirectory() as folder:
        learned, made = Path(folder) / "learned.parquet", Path(folder) / "made.parquet"
        pq.write_table(split.fitted, learned)
        command = [*_command(name), str(learned), str(made), str(split.fitted.num_rows)]
        pins = PINS if name == "lookalike" else {}
        extra = [str(seed), split.target or ""] if name == "lookalike" else []
        environment = {**os.environ, **pins, "OMP_WAIT_POLICY": "PASSIVE"}
        done = subprocess.run([*command, *extra], cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, check=True)
        usage: Run = json.loads(done.stdout.decode().splitlines()[-1])
        quality: Quality = measured(split, pq.read_table(made), seed)
    return {**usage, **asdict(quality)}


def _command(name: str) -> list[str]:
    if name == "lookalike":
        return [sys.executable, "-m", "tests.bench.tabular.ours"]
    environment, requirements = INSTALLED[name]
    return [
        str(python_apart(ENVIRONMENTS / environment, requirements, WITHOUT.get(environment, ()))),
        str(PEERS / f"with_{name}.py"),
    ]


def _table(name: str, runs: Mapping[str, list[Run]]) -> list[str]:
    seeds = len(runs["lookalike"])
    lines = [f"{name}: {seeds} seeds for lookalike, mean ± half of the 95 % interval; compiled code warm"]
    lines.append(f"{'':<11}" + "".join(f"{title:>18}" for _, title, _ in _COLUMNS))
    for synthesizer, each in runs.items():
        cells = [_cell([run[key] for run in each], form) for key, _, form in _COLUMNS]
        lines.append(f"{synthesizer:<11}" + "".join(f"{cell:>18}" for cell in cells))
    return lines


def _cell(values: Sequence[float], form: str) -> str:
    if any(math.isnan(value) for value in values):
        return "–"
    mean = form.format(statistics.fmean(values))
    return mean if len(values) < 2 else f"{mean} ± {form.format(_half(values))}"


def _half(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean, by Student's distribution."""
    return float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))


def _missed(name: str, runs: Sequence[Run]) -> list[str]:
    found = []
    for measure, least, most in GOALS.get(name, ()):
        mean = statistics.fmean(run[measure] for run in runs)
        if not least <= mean <= most:
            found.append(f"{name} {measure} is {mean:.3f}, not between {least:g} and {most:g}")
    exact, withheld = (statistics.fmean(run[key] for run in runs) for key in ("exact", "exact_holdout"))
    if exact > withheld:
        found.append(f"{name} has {exact:.1f} exact matches, the hold-out {withheld:.1f}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
