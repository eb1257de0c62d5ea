"""What ``prepare`` returned, as files: Arrow IPC, npy and JSON. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from generation.runner.jobs import STATE_NAME, is_state_file
from generation.sdk import Json, State

_MAPPED_FROM = 1 << 20  # bytes; an empty array cannot be mapped at all


def file_names(state: State) -> Iterator[tuple[str, str]]:
    """Yield (name in the state, file name) in order of name.

    Raises ``TypeError`` when the state is no mapping of words to tables, arrays and JSON, naming the member.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"prepare must return a mapping by name, not {type(state).__name__}")
    for name in state:
        if not isinstance(name, str) or not STATE_NAME.fullmatch(name):
            raise TypeError(f"state is named by words of letters, digits, - and _, not {name!r}")
    for name in sorted(state):
        yield name, f"{name}.{_kind(state[name])}"


def write(value: pa.Table | np.ndarray | Json, into: BinaryIO) -> None:
    """Write one member of a state. Raises ``TypeError`` or ``ValueError`` for what its format cannot hold."""
    if isinstance(value, pa.Table):
        with pa.ipc.new_file(pa.PythonFile(into, mode="w"), value.schema) as writer:
            writer.write_table(value)
    elif isinstance(value, np.ndarray):
        np.lib.format.write_array(into, np.asarray(value, order="C"), allow_pickle=False)
    else:
        into.write(json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True).encode())


def identity(folder: Path) -> tuple[object, ...]:
    """What differs when another state lies in ``folder``, without reading it. Raises ``OSError``."""
    files = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    return (folder, *((name, file.st_ino, file.st_size, file.st_mtime_ns) for name, file in files))


def load(folder: Path) -> State:
    """Read a state back, large members mapped into memory and read-only. Raises ``OSError`` or ``ValueError``."""
    files = sorted(path for path in folder.iterdir() if is_state_file(path.name))
    return {path.stem: _load(path) for path in files}


def _kind(value: object) -> str:
    if isinstance(value, pa.Table):
        return "arrow"
    return "npy" if isinstance(value, np.ndarray) else "json"


def _load(path: Path) -> pa.Table | np.ndarray | Json:
    if path.suffix == ".arrow":
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    if path.suffix == ".npy":
        return _load_array(path)
    value: Json = json.loads(path.read_bytes())
    return value


def _load_array(path: Path) -> np.ndarray:
    large = path.stat().st_size > _MAPPED_FROM
    array: np.ndarray = np.load(path, mmap_mode="r" if large else None, allow_pickle=False)
    array.setflags(write=False)
    return array
