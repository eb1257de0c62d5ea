"""Downloads and loads, on the parts that ``download`` has started: through the site, and without it."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
from django.core.management import call_command

from catalog.models import Version
from marketplace import storage
from marketplace.accounts import tokens
from marketplace.local.processes import Child, accepts, free_port
from tests.bench.measure import Figure, interleave, run_process, say, timed
from tests.factories import a_dataset, a_person, a_version_of
from tests.workers import environment

ROWS = 1_000_000
COLUMNS = 16
FILES = 2
TIMES = 3
_CHUNK = 1 << 20
_counter = itertools.count()


def measure() -> None:
    """Publish a version of two files of 128 MB, measure with and without the site in between, print the figures."""
    call_command("migrate", verbosity=0)
    storage.ensure_bucket()
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as home:
        folder = Path(home)
        user, account = a_person()
        secret = tokens.issue(account, created_by=user, name="bench", scopes=["read"]).secret
        version = a_version_of(a_dataset(account), {"default": [_numbers(seed) for seed in range(FILES)]})
        for file in version.files.all():
            storage.download(storage.blob_key(file.sha256), folder / f"{file.sha256}.parquet")
        port = free_port(0)
        address = f"http://127.0.0.1:{port}"
        command = [
            *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "1", "--blocking-threads", "4", "--log-level", "warning"),
            "marketplace.wsgi:application",
        ]
        site = Child(
            "web", command, environment() | {"PUBLIC_URL": address}, folder / "log", healthy=lambda: accepts(port)
        )
        try:
            site.start()
            site.wait_until_healthy(60)
            say([_download(version, address, secret), _load(version, address, secret, folder)])
        finally:
            site.stop()


def _download(version: Version, address: str, secret: str) -> Figure:
    file = version.files.order_by("path").first()
    assert file is not None
    ours = urllib.request.Request(f"{address}/datasets/{version.dataset}/resolve/main/{file.path}")
    # Not sent on when the answer leads elsewhere.
    ours.add_unredirected_header("Authorization", f"Bearer {secret}")

    def directly() -> float:
        link = storage.signed_link(
            storage.blob_key(file.sha256), file_name="file", content_type=storage.PARQUET, seconds=60
        )
        return timed(lambda: _read(urllib.request.Request(link), file.bytes))

    a, b = interleave(directly, lambda: timed(lambda: _read(ours, file.bytes)), TIMES)
    # At least 0.95 of the store's own speed.
    return Figure(f"download of {file.bytes >> 20} MiB", "from S3", "by our redirect", "s", a, b, limit=1 / 0.95)


def _read(request: urllib.request.Request, size: int) -> None:
    read = 0
    with urllib.request.urlopen(request, timeout=60) as answer:
        while chunk := answer.read(_CHUNK):
            read += len(chunk)
    if read != size:
        raise RuntimeError(f"{read} bytes came of {size}")


def _load(version: Version, address: str, secret: str, folder: Path) -> Figure:
    """Load all of the version into an empty cache, each time in a new process."""
    local = [str(path) for path in sorted(folder.glob("*.parquet"))]

    def seconds(call: str) -> float:
        home = folder / f"home-{next(_counter)}"
        known = {"HF_ENDPOINT": address, "HF_TOKEN": secret, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
        script = f"from datasets import load_dataset; assert {call}.num_rows == {ROWS * FILES}"
        used = run_process([sys.executable, "-c", script], dict(os.environ) | known)
        shutil.rmtree(home)
        return used.wall

    a, b = interleave(
        lambda: seconds(f"load_dataset('parquet', data_files={local!r}, split='train')"),
        lambda: seconds(f"load_dataset('{version.dataset}', split='train')"),
        TIMES,
    )
    return Figure(f"load_dataset of {ROWS * FILES:,} rows", "files on disk", "through us", "s", a, b)


def _numbers(seed: int) -> pa.Table:
    """Rows of numbers that cannot be packed."""
    numbers = np.random.default_rng(seed).integers(0, 1 << 62, (COLUMNS, ROWS))
    return pa.table({f"number_{column}": numbers[column] for column in range(COLUMNS)})
