"""The command with which a licence holder makes a version's rows again, on a machine of their own."""

from __future__ import annotations

import json
import shlex

from catalog.models import Version

_HOUSE = "house/"


def command(version: Version) -> str:
    """The command, for the shell, with ``$SEED`` where the seed goes; empty where nobody else can make the version.

    Only the house's own generators are installed with it, and what was fitted needs a source that is gone.
    """
    recipe = version.recipe
    name = recipe["generator"]["name"]
    if not name.startswith(_HOUSE) or recipe["source"]["kind"] != "none":
        return ""
    splits = [f"--split {each['name']}={each['units'] / recipe['units']!r}" for each in recipe["splits"]]
    parameters = [
        f"--param {shlex.quote(f'{key}={json.dumps(value, ensure_ascii=False)}')}"
        for key, value in sorted(recipe["parameters"].items())
    ]
    whole = f'lookalike run {name.removeprefix(_HOUSE)} --units {recipe["units"]} --seed "$SEED" --out made-again'
    return " \\\n  ".join([whole, *splits, *parameters])
