"""Finding a generator by name and importing it. Only the runner child does this."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from generation.runner.package import covers, digest_of
from generation.sdk import Generator

GROUP = "lookalike.generators"
_PLATFORM = ("generation.sdk", "generation.runner", "generation.quality")


@dataclass(frozen=True)
class Loaded:
    """An imported generator, the modules that make up its version, their digest, and all modules that it brought in."""

    generator: Generator
    modules: tuple[str, ...]
    digest: str
    imported: frozenset[str]


def known() -> list[EntryPoint]:
    """Return the generators that installed packages offer, by name, without importing any."""
    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def reference_of(name: str) -> str:
    """Return ``module:attribute`` for the name of an entry point, or ``name`` itself if it is one.

    Raises ``LookupError`` saying what is known when it is neither.
    """
    if ":" in name:
        return name
    for point in known():
        if point.name == name:
            return point.value
    names = ", ".join(point.name for point in known()) or "none"
    raise LookupError(f"there is no generator {name!r}; known are: {names}; any other is named as module:attribute")


def load(name: str) -> Loaded:
    """Import a generator and take the digest of its code.

    Raises ``LookupError`` for an unknown name, ``ValueError`` if code that it imported is in no package it declares in
    ``shares`` (its digest would not notice a change there), and whatever its import raises.
    """
    module_name, _, attribute = reference_of(name).partition(":")
    before = set(sys.modules)
    module = importlib.import_module(module_name)
    generator = getattr(module, attribute, None)
    if generator is None:
        raise LookupError(f"module {module_name} has no {attribute!r}")
    modules = (module_name, *generator.shares)
    undeclared = [other for other in _own_modules(before) if not covers(modules, other) and not _above(other, modules)]
    if undeclared:
        raise ValueError(
            f"{name} imports {', '.join(undeclared)}, which its digest does not cover: "
            "move that code into its package or name it in `shares`"
        )
    return Loaded(generator, modules, digest_of(modules), frozenset(set(sys.modules) - before))


def _own_modules(before: set[str]) -> Iterator[str]:
    """Yield what was imported since ``before`` and is neither a library's nor the platform's."""
    for name in sorted(set(sys.modules) - before):
        module = sys.modules[name]
        if not covers(_PLATFORM, name) and _is_own(module):
            yield name


def _is_own(module: ModuleType) -> bool:
    origin = getattr(module, "__file__", None)
    if origin is None:
        return False
    path = Path(origin).resolve()
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    return not any(path.is_relative_to(Path(prefix).resolve()) for prefix in (sys.prefix, sys.base_prefix))


def _above(name: str, modules: tuple[str, ...]) -> bool:
    """Whether ``name`` is a package that ``modules`` merely lie in: importing them runs its ``__init__``."""
    return any(module.startswith(f"{name}.") for module in modules)
