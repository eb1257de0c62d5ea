"""The runtime names all that may change bytes and nothing that tells a machine; it is the same in each process."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import os
import platform
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rfc8785

from generation.runner import Runner, Runtime
from generation.runner.package import digest_of
from generation.runner.pins import PINS
from generation.runner.runtime import record_digest

COINS = "tests.generation.runner.toys:coins"


def runtime(scratch: Path, pins: Mapping[str, str] = PINS, generator: str = COINS) -> Runtime:
    with Runner(generator, scratch=scratch, pins=pins) as runner:
        return runner.describe().runtime


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return runtime(tmp_path_factory.mktemp("scratch"))


def texts(value: Any) -> Iterator[str]:
    """All values of a document, as text."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif value is not None:
        yield str(value)


def test_the_id_is_the_digest_of_the_document(ours: Runtime) -> None:
    assert ours.id == hashlib.sha256(rfc8785.dumps(ours.document)).hexdigest()
    assert set(ours.document) == {
        *("schema", "python", "system", "distributions", "code", "numpy_features"),
        *("blas", "pins", "writer", "accelerator"),
    }


def test_another_process_in_another_folder_has_the_same_runtime(
    ours: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")  # a child computes in its pins, not in its parent's environment
    monkeypatch.chdir(tmp_path)
    assert runtime(tmp_path) == ours


def test_it_names_no_host_no_user_no_path_no_processor_and_no_date(ours: Runtime) -> None:
    said = list(texts(ours.document))
    processors = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    for telling in {
        str(Path.cwd()),
        str(Path.home()),
        *processors,
        platform.release(),
        f"{dt.datetime.now(dt.UTC):%Y-}",
    }:
        assert not [text for text in said if telling in text]
    assert not {socket.gethostname(), getpass.getuser()} & set(said)
    assert not [text for text in said if text.startswith("/") or "\\" in text]


def test_other_pins_are_another_runtime(ours: Runtime, tmp_path: Path) -> None:
    other = runtime(tmp_path, {**PINS, "PYTHONHASHSEED": "1"})
    assert other.id != ours.id
    assert other.document["pins"]["PYTHONHASHSEED"] == "1"
    assert other.document | {"pins": None} == ours.document | {"pins": None}


def test_pins_are_in_force_and_not_only_said(ours: Runtime, tmp_path: Path) -> None:
    assert ours.document["pins"] == dict(PINS)
    assert ours.document["blas"]["threads"] == 1
    assert not [name for name in ours.document["numpy_features"] if "AVX512" in name or name == "X86_V4"]
    unpinned = runtime(tmp_path, {**PINS, "OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem"})
    assert unpinned.document["blas"]["threads"] == min(2, os.cpu_count() or 1)
    if platform.machine() == "x86_64":
        assert (ours.document["blas"]["coretype"], unpinned.document["blas"]["coretype"]) == ("Haswell", "Nehalem")


def test_it_names_what_the_child_may_import_and_not_what_the_site_is_made_of(ours: Runtime) -> None:
    found = {one["name"]: one for one in ours.document["distributions"]}
    assert list(found) == sorted(found)
    assert {"numpy", "pyarrow", "pydantic", "pydantic-core", "rfc8785"} <= set(found)
    assert not {"django", "celery", "boto3", "stripe"} & set(found)
    assert found["numpy"]["version"] == np.__version__
    assert all(re.fullmatch("[0-9a-f]{64}", one["sha256"]) for one in found.values())
    assert ours.document["writer"] == {"pyarrow": pa.__version__, "zstd": 1, "rows": 10_000, "bytes": 16 << 20}


def test_a_generators_own_libraries_belong_to_its_runtime(ours: Runtime, tmp_path: Path) -> None:
    with_vision = runtime(tmp_path, generator="surface-defects")
    added = {one["name"] for one in with_vision.document["distributions"]} - {
        one["name"] for one in ours.document["distributions"]
    }
    assert {"numba", "llvmlite", "opencv-python-headless"} <= added


RECORD = """\
pkg/__init__.py,sha256=AAA,10
pkg/core.py,sha256=BBB,20
"pkg/a,b.py",sha256=CCC,5
pkg-1.dist-info/RECORD,,
pkg-1.dist-info/INSTALLER,sha256=PIP,4
pkg-1.dist-info/REQUESTED,sha256=REQ,0
pkg-1.dist-info/direct_url.json,sha256=URL,99
../../../bin/pkg,sha256=BIN,200
"""


def test_the_digest_of_a_distribution_is_the_same_in_two_installations() -> None:
    elsewhere = [line for line in RECORD.splitlines() if not re.search("INSTALLER|REQUESTED|direct_url|bin/", line)]
    assert record_digest(RECORD) == record_digest("\n".join(reversed(elsewhere)))
    lines = "pkg/__init__.py sha256=AAA\npkg/a,b.py sha256=CCC\npkg/core.py sha256=BBB\n"
    assert record_digest(RECORD) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_digest_of_a_distribution_changes_with_any_file() -> None:
    assert record_digest(RECORD.replace("BBB", "DDD")) != record_digest(RECORD)
    assert record_digest(RECORD.replace("CCC", "DDD")) != record_digest(RECORD)
    assert record_digest(RECORD + "pkg/new.py,sha256=EEE,1\n") != record_digest(RECORD)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "somewhere" / "made_up"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "inner" / "__init__.py").write_text("A = 1\n")
    (folder / "words.txt").write_text("one two")
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def test_the_digest_of_code_is_of_all_its_files_by_path(package: Path) -> None:
    files = {"made_up/__init__.py": b"", "made_up/inner/__init__.py": b"A = 1\n", "made_up/words.txt": b"one two"}
    lines = "".join(f"{path} {hashlib.sha256(files[path]).hexdigest()}\n" for path in sorted(files))
    assert digest_of(["made_up"]) == hashlib.sha256(lines.encode()).hexdigest()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"1")
    (package / ".notes").write_text("not code")
    assert digest_of(["made_up"]) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_digest_of_code_does_not_depend_on_where_it_lies(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest_of(["made_up"])
    shutil.copytree(package.parent, tmp_path / "elsewhere")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    assert digest_of(["made_up"]) == before
    (tmp_path / "elsewhere" / "made_up" / "words.txt").write_text("one too")
    assert digest_of(["made_up"]) != before


def test_a_digest_of_modules_counts_each_once_and_in_any_order(package: Path) -> None:
    assert digest_of(["made_up", "made_up.inner"]) == digest_of(["made_up.inner", "made_up"]) == digest_of(["made_up"])
    with pytest.raises(ValueError, match=r"no module 'made_up\.nothing'"):
        digest_of(["made_up.nothing"])
    with pytest.raises(ValueError, match="no module 'nowhere'"):
        digest_of(["nowhere"])


def test_code_that_no_digest_covers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from generation.runner import GeneratorFault

    source = (Path(__file__).parents[1] / "dice.py").read_text()
    (tmp_path / "sly_dice.py").write_text("import loaded\n" + source)
    (tmp_path / "loaded.py").write_text("SIDES = 5\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        Runner("sly_dice:dice", scratch=tmp_path) as runner,
        pytest.raises(GeneratorFault, match="imports loaded, which its digest does not cover"),
    ):
        runner.describe()
