"""Run a command that refuses root: ``unprivileged.py USER COMMAND …``.

USER ``-`` is root by another name, in a user namespace of its own: the same pid, and the same files are theirs. Any
other USER is the number of one, for machines where root may make no user namespace.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NOBODY = 65534
_CLONE_NEWUSER = 0x10000000
_SOMEBODY = 1000


def command(user: int | None) -> list[str]:
    """What to put before a command that refuses root; nothing when we are not root."""
    if os.geteuid() != 0:
        return []
    return [sys.executable, "-I", str(Path(__file__)), "-" if user is None else str(user)]


def namespaces() -> bool:
    """May root make user namespaces here?"""
    asked = [*command(None), sys.executable, "-I", "-c", ""]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def main(arguments: Sequence[str]) -> None:
    """Become somebody else, then the command."""
    user, *rest = arguments
    if user == "-":
        _enter_namespace()
    else:
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    os.execv(rest[0], rest)  # noqa: S606 - a list of arguments, no shell: as S603


def _enter_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, f"no user namespace: {os.strerror(number)}")
    Path("/proc/self/setgroups").write_text("deny")
    for kind in ("uid_map", "gid_map"):
        Path(f"/proc/self/{kind}").write_text(f"{_SOMEBODY} 0 1")


if __name__ == "__main__":
    main(sys.argv[1:])
