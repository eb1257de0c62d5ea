"""``bootstrap.py`` in a small project of its own, with nothing on PATH and no registry to be reached."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

_BOOTSTRAP = Path(__file__).resolve().parents[2] / "marketplace" / "local" / "bootstrap.py"
_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "small-project"
version = "1"
"""
#: As little of PEP 660 as an editable install needs.
_BACKEND = f"""
import zipfile
from pathlib import Path
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "small_project-1-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr("small_project.pth", str(Path.cwd() / "source"))
        wheel.writestr("small_project-1.dist-info/METADATA", {_METADATA.format(name="small-project", version="1")!r})
        wheel.writestr("small_project-1.dist-info/WHEEL", {_WHEEL!r})
        wheel.writestr("small_project-1.dist-info/RECORD", "")
    return name
"""
_HALF_A_VENV = """
import os, sys
os.makedirs(sys.argv[1] + "/bin")
os.symlink(sys.executable, sys.argv[1] + "/bin/python")
sys.exit("The virtual environment was not created successfully because ensurepip is not available.")
"""


@dataclass(frozen=True)
class Project:
    """A checkout with a lock, and what is told when it is bootstrapped."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / "installed"

    def lock(self, wheel: Path, sha256: str) -> None:
        (self.root / "requirements.lock").write_text(
            f"# pinned\n{wheel.name.partition('-')[0]} @ {wheel.as_uri()} \\\n    --hash=sha256:{sha256}\n"
        )

    def bootstrap(self) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, str(self.root / "marketplace" / "local" / "bootstrap.py")])

    def run(self, code: str) -> str:
        done = self._run([str(self.python), "-c", code])
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.root / "nothing"), "HOME": str(self.root), "PIP_NO_INDEX": "1"}
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    (root / "marketplace" / "local").mkdir(parents=True)
    shutil.copy(_BOOTSTRAP, root / "marketplace" / "local")
    (root / "pyproject.toml").write_text(_PYPROJECT)
    (root / "backend.py").write_text(_BACKEND)
    (root / "source").mkdir()
    (root / "source" / "small_project.py").write_text("who = 'the project'\n")
    return Project(root)


def test_what_is_pinned_is_installed_told_and_stamped_and_only_when_it_changes(project: Project) -> None:
    first, second = (_wheel(project.root, version) for version in ("1", "2"))
    project.lock(first, "0" * 64)
    done = project.bootstrap()
    assert done.returncode != 0
    assert "The packages could not be installed" in done.stderr
    assert not project.stamp.exists()

    project.lock(first, _sha256(first))
    done = project.bootstrap()
    assert done.returncode == 0, done.stderr
    assert f"Installing 1 pinned packages into {project.root / '.venv'} " in done.stderr
    assert project.run("import pinned, small_project; print(pinned.version, small_project.who)") == "1 the project"

    stamped = project.stamp.stat().st_mtime_ns
    done = project.bootstrap()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert project.stamp.stat().st_mtime_ns == stamped

    project.lock(second, _sha256(second))
    assert "Installing 1 pinned packages" in project.bootstrap().stderr
    assert project.run("import pinned; print(pinned.version)") == "2"

    project.lock(first, "0" * 64)
    assert project.bootstrap().returncode != 0
    project.lock(second, _sha256(second))
    assert "Installing" in project.bootstrap().stderr, "a failed install was taken for a whole one"


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0), (2, 7, 18)])
def test_another_python_is_refused_with_a_sentence_and_nothing_is_made(
    tmp_path: Path, version: tuple[int, ...]
) -> None:
    (tmp_path / "marketplace" / "local").mkdir(parents=True)
    script = shutil.copy(_BOOTSTRAP, tmp_path / "marketplace" / "local")
    told = ".".join(map(str, version))
    code = (
        f"import runpy, sys; sys.version_info = {version!r}; sys.version = '{told} (other)';"
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is {told}. "
        "Name another, for example: make run PYTHON=python3.12\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["marketplace"]


def test_a_python_without_venv_is_told_what_to_install_and_leaves_no_half_of_one(tmp_path: Path) -> None:
    """As on Debian without python3-venv, whose ``python -m venv`` makes the folder, then finds no ensurepip."""
    (tmp_path / "marketplace" / "local").mkdir(parents=True)
    script = shutil.copy(_BOOTSTRAP, tmp_path / "marketplace" / "local")
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "venv.py").write_text(_HALF_A_VENV)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "without"), "PIP_NO_INDEX": "1"}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.endswith("-m venv failed. On Debian and Ubuntu: apt-get install python3-venv\n")
    assert not (tmp_path / ".venv").exists()


def test_python_from_3_8_on_can_read_the_script_far_enough_to_refuse() -> None:
    ast.parse(_BOOTSTRAP.read_text(), feature_version=(3, 8))


def _wheel(folder: Path, version: str) -> Path:
    path = folder / f"pinned-{version}-py3-none-any.whl"
    files = {
        "pinned.py": f"version = {version!r}\n",
        f"pinned-{version}.dist-info/METADATA": _METADATA.format(name="pinned", version=version),
        f"pinned-{version}.dist-info/WHEEL": _WHEEL,
    }
    rows = [f"{name},sha256={_record(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        wheel.writestr(f"pinned-{version}.dist-info/RECORD", "\n".join([*rows, f"pinned-{version}.dist-info/RECORD,,"]))
    return path


def _record(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
