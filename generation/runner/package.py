"""The digest that names a generator's version: the code it is made of, file by file."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

_NOT_CODE = {"__pycache__"}


def digest_of(modules: Iterable[str]) -> str:
    """Return the SHA-256 (hex) over sorted lines ``path hash`` of all files of ``modules``.

    A package counts with its whole folder, a plain module with its file. Paths are relative to where imports begin,
    with slashes, so that the digest is the same wherever the code lies. Raises ``ValueError`` for a module that is not
    there or not made of files.
    """
    files = {path: content for module in modules for path, content in _files(module)}
    lines = (f"{path} {hashlib.sha256(files[path].read_bytes()).hexdigest()}\n" for path in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def covers(modules: Iterable[str], name: str) -> bool:
    """Whether the module ``name`` is one of ``modules`` or lies within one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _files(module: str) -> Iterator[tuple[str, Path]]:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        raise ValueError(f"there is no module {module!r} to take a digest of")
    place = module.replace(".", "/")
    if not spec.submodule_search_locations:
        path = Path(str(spec.origin))
        yield f"{place}{path.suffix}", path
        return
    for folder in spec.submodule_search_locations:
        for path in Path(folder).rglob("*"):
            relative = path.relative_to(folder)
            if path.is_file() and not (_NOT_CODE & set(relative.parts)) and not relative.name.startswith("."):
                yield f"{place}/{relative.as_posix()}", path
