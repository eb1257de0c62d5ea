"""Lines to copy that load a version with the tools people have: this site's own address, this very version.

Whoever has no licence is shown how to load the free sample. A test runs each as it stands on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from catalog.models import File, Version

#: What a secret looks like; whoever copies the lines puts their own in its place.
TOKEN = "lk_…"  # noqa: S105 (it is none)


_SAMPLE = re.compile(r"-0+-of-([0-9]+)(?=\.parquet$)")


@dataclass(frozen=True)
class Snippet:
    """A tab: its name in addresses, the word on it, and the lines."""

    name: str
    word: str
    text: str


def setup(*, token: bool) -> str:
    """The lines that tell every tool where this site is and, with ``token``, who asks."""
    return f"export HF_ENDPOINT={settings.PUBLIC_URL}\n" + (f"export HF_TOKEN={TOKEN}\n" if token else "")


def snippets(version: Version, *, whole: bool, token: bool) -> list[Snippet]:
    """Lines for each tool that load a split of ``version``, or the free sample of it unless ``whole``."""
    file = version.files.order_by("id").first()
    return [] if file is None else list(_snippets(version, file, whole=whole, token=token))


def _snippets(version: Version, first: File, *, whole: bool, token: bool) -> Iterator[Snippet]:
    name, number = str(version.dataset), version.number
    base = f"datasets/{name}@{number}"
    path = _SAMPLE.sub("-*", first.path) if whole else first.path
    yield Snippet("datasets", "Python", _datasets(version, first, whole=whole))
    yield Snippet(
        "pandas",
        "pandas",
        "import pandas as pd\n"
        "from huggingface_hub import HfFileSystem\n\n"
        f'paths = HfFileSystem().glob(\n    "{base}/{path}"\n)\n'
        'rows = pd.concat(pd.read_parquet(f"hf://{path}") for path in paths)\n',
    )
    yield Snippet(
        "polars",
        "Polars",
        "import polars as pl\n"
        "from huggingface_hub import HfFileSystem\n\n"
        "hub = HfFileSystem()\n"
        f'paths = hub.glob(\n    "{base}/{path}"\n)\n'
        "rows = pl.concat(pl.read_parquet(hub.open(path)) for path in paths)\n",
    )
    yield Snippet(
        "duckdb",
        "DuckDB",
        "import duckdb\n"
        "from huggingface_hub import HfFileSystem\n\n"
        "duckdb.register_filesystem(HfFileSystem())\n"
        f'rows = duckdb.read_parquet(\n    "hf://{base}/{path}"\n)\n'
        "rows.limit(5).show()\n",
    )
    files = version.files.filter(config=first.config, split=first.split).count() if whole else 1
    numbered = _SAMPLE.sub(lambda found: f"-[00000-{files - 1:05d}]-of-{found[1]}", first.path)
    address = f"{settings.PUBLIC_URL}/datasets/{name}/resolve/{number}/{numbered if files > 1 else first.path}"
    shown = '-H "Authorization: Bearer $HF_TOKEN" ' if token else ""
    yield Snippet("curl", "curl", f'curl -f -L -C - -O {shown}\\\n    "{address}"\n')


def _datasets(version: Version, first: File, *, whole: bool) -> str:
    several = len(version.layout["tables"]) > 1
    given = [f'"{version.dataset}"']
    if whole and several:
        given.append(f'"{first.config}"')
    given.append(f'revision="{version.number}"')
    if not whole:
        given.append(f'data_files="{first.path}"')
        given.append('split="train"')
    else:
        given.append(f'split="{first.split}"')
    arguments = "".join(f"    {argument},\n" for argument in given)
    return f"from datasets import load_dataset\n\nrows = load_dataset(\n{arguments})\n"
