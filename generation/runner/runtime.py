"""The runtime document: all of this process that may change the bytes it makes, and nothing that identifies a machine.

The runner child records it of itself. Same runtime id: a replay compares digests; another: it compares values.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import rfc8785

from generation.runner.jobs import JsonObject, Runtime
from generation.runner.package import digest_of
from generation.runner.parquet import ROW_GROUP_BYTES, ROW_GROUP_ROWS, ZSTD_LEVEL
from generation.runner.pins import PINS

SCHEMA = "lookalike/runtime/1"
_BASE = ("numpy", "pyarrow", "pydantic", "rfc8785")
_UNHASHED = {"INSTALLER", "REQUESTED", "direct_url.json"}


def runtime_of(modules: Iterable[str]) -> Runtime:
    """Return the runtime of this process, whose generator brought in ``modules`` (those of third parties count)."""
    document: JsonObject = {
        "schema": SCHEMA,
        "python": {"implementation": platform.python_implementation(), "version": platform.python_version()},
        "system": {
            "os": platform.system(),
            "machine": platform.machine(),
            "libc": " ".join(platform.libc_ver()).strip() or None,
        },
        "distributions": [_distribution_json(one) for one in _distributions(modules)],
        "code": {"sdk": digest_of(["generation.sdk"]), "runner": digest_of(["generation.runner"])},
        "numpy_features": _numpy_features(),
        "blas": _blas(),
        "pins": {name: os.environ.get(name) for name in PINS},
        "writer": {"pyarrow": pa.__version__, "zstd": ZSTD_LEVEL, "rows": ROW_GROUP_ROWS, "bytes": ROW_GROUP_BYTES},
        "accelerator": None,
    }
    return Runtime(hashlib.sha256(rfc8785.dumps(document)).hexdigest(), document)


def record_digest(record: str) -> str:
    """Return the SHA-256 (hex) of a distribution from its RECORD: the sorted ``path hash`` lines of what it installed.

    Lines without a hash, paths outside the installation and what only the installer wrote are left out, so that two
    installations of one wheel agree.
    """
    lines = []
    for line in record.splitlines():
        path, _, rest = line.partition(",") if not line.startswith('"') else line[1:].partition('",')
        checksum = rest.partition(",")[0]
        if checksum and ".." not in path.split("/") and path.rpartition("/")[2] not in _UNHASHED:
            lines.append(f"{path} {checksum}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _distributions(modules: Iterable[str]) -> list[Distribution]:
    """Return what this process may import: the base, what was imported, and what those require, by name."""
    found: dict[str, Distribution] = {}
    waiting = [*_BASE, *_providers(modules)]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        requirements = found[name].requires or ()
        waiting += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requirements if "extra ==" not in line]
    return [found[name] for name in sorted(found)]


def _providers(modules: Iterable[str]) -> set[str]:
    """Return the distributions that top-level modules came from."""
    tops = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    third_party = {top for top in tops if "site-packages" in (getattr(sys.modules.get(top), "__file__", None) or "")}
    providers = packages_distributions() if third_party else {}
    return {name for top in third_party for name in providers.get(top, ())}


def _distribution_json(one: Distribution) -> JsonObject:
    return {
        "name": _normal(one.metadata["Name"]),
        "version": one.version,
        "sha256": record_digest(one.read_text("RECORD") or ""),
    }


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numpy_features() -> list[str]:
    """Return the CPU features that numpy uses here: those of its baseline and dispatch that are in force."""
    umath: Any = np._core._multiarray_umath  # type: ignore[attr-defined]
    return sorted(name for name in (*umath.__cpu_baseline__, *umath.__cpu_dispatch__) if umath.__cpu_features__[name])


def _blas() -> JsonObject:
    config: Any = np.show_config(mode="dicts")
    found = config["Build Dependencies"]["blas"]
    library = _openblas()
    return {
        "name": found["name"],
        "version": found["version"],
        "coretype": _call(library, "get_corename", ctypes.c_char_p),
        "threads": _call(library, "get_num_threads", ctypes.c_int),
    }


def _openblas() -> ctypes.CDLL | None:
    """Return the OpenBLAS that numpy's wheel brought, which is loaded already."""
    folders = (Path(np.__file__).parent.parent / "numpy.libs", Path(np.__file__).parent / ".dylibs")
    for path in (path for folder in folders for path in sorted(folder.glob("*openblas*"))):
        return ctypes.CDLL(str(path))
    return None


def _call(library: ctypes.CDLL | None, name: str, result: Any) -> str | int | None:
    for symbol in (f"scipy_openblas_{name}64_", f"openblas_{name}64_", f"openblas_{name}"):
        function = getattr(library, symbol, None)
        if function is not None:
            function.restype = result
            value = function()
            return value.decode() if isinstance(value, bytes) else int(value)
    return None
