"""``python -m tests.generation.generators.blocks REFERENCE UNITS ORDER [name=json …]``: SHA-256 of each block.

ORDER is ``forward`` or ``backward``. Run in processes of their own, it shows whether a block depends on anything but
its arguments.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from typing import Any

import pyarrow as pa

from generation.sdk import Generator, Job, Streams

SEED = bytes(range(16))


def load(reference: str) -> Generator:
    module, _, attribute = reference.partition(":")
    generator: Generator = getattr(importlib.import_module(module), attribute)
    return generator


def job(generator: Generator, units: int, **params: Any) -> Job:
    return Job(generator.Parameters(**params), units, Streams(SEED))


def tables(generator: Generator, of: Job, units: range) -> dict[str, pa.Table]:
    """The rows of one block by table."""
    state = generator.prepare(of, None, lambda share, what: None)
    made: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in generator.block(of, state, units):
        made.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in made.items()}


def digests(generator: Generator, of: Job, *, backward: bool = False) -> dict[int, str]:
    """SHA-256 of the Arrow IPC stream of each block, by its first unit."""
    state = generator.prepare(of, None, lambda share, what: None)
    block = max(1, min(generator.layout(of).block, of.units // 4))
    firsts = list(range(0, of.units, block))
    found = {}
    for first in reversed(firsts) if backward else firsts:
        digest = hashlib.sha256()
        for name, batch in generator.block(of, state, range(first, min(first + block, of.units))):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            digest.update(name.encode() + sink.getvalue().to_pybytes())
        found[first] = digest.hexdigest()
    return found


if __name__ == "__main__":
    made = load(sys.argv[1])
    given = {name: json.loads(value) for name, _, value in (pair.partition("=") for pair in sys.argv[4:])}
    sys.stdout.write(
        json.dumps(digests(made, job(made, int(sys.argv[2]), **given), backward=sys.argv[3] == "backward"))
    )
