"""The stack that runs on this machine, for the other commands of ``manage.py``: they work on it without being told."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def join(environment: MutableMapping[str, str]) -> None:
    """Add to ``environment`` what the running stack made for its own processes, unless a database is named there."""
    if environment.get("DATABASE_URL"):
        return
    told = Path(environment.get("LOOKALIKE_VAR") or _ROOT / "var") / "stack.json"
    try:
        made: dict[str, str] = json.loads(told.read_text())["environment"]
    except OSError:
        return  # none runs, or it is not ours
    for name, value in made.items():
        environment.setdefault(name, value)
