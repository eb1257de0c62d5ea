"""Run a command as ``nobody`` who can reach this checkout and its Python: ``as_nobody.py COMMAND …``, as root.

Where they lie in a folder that is closed to others, such as /root, that folder is replaced, for the command and its
children only, by an open one that holds nothing else (in a mount namespace, which ends with them).
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

_NOBODY = 65534
_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    closed = defaultdict(list)
    for needed in (_ROOT, Path(sys.base_prefix).resolve()):
        shut = [folder for folder in needed.parents if not folder.stat().st_mode & 0o001]
        if shut:
            closed[shut[-1]].append(needed)
    if closed:
        _call("unshare", _CLONE_NEWNS)
        _mount("none", "/", _MS_REC | _MS_PRIVATE)
        for folder, needed_there in closed.items():
            _open(folder, needed_there)
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - a list of arguments, no shell: as S603


def _open(folder: Path, needed: list[Path]) -> None:
    """Put an open folder over ``folder``, with only what is needed in it."""
    aside = {path: tempfile.mkdtemp() for path in needed}
    for path, place in aside.items():
        _mount(str(path), place, _MS_BIND)
    _mount("none", str(folder), 0, "tmpfs", "mode=755")
    for path, place in aside.items():
        path.mkdir(parents=True)
        _mount(place, str(path), _MS_BIND)


def _mount(source: str, target: str, flags: int, kind: str = "", options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), flags, options.encode())


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
