"""Run a command that ends when its starter does, also when the starter is killed: ``guard.py PID COMMAND …``.

On Linux the kernel is asked to send SIGTERM to this process when the parent dies (prctl PR_SET_PDEATHSIG). The flag is
lost when the command changes its user, as ``unshare`` does, so the command runs as a child here and is ended from
here, with its whole group. Elsewhere the parent's pid is watched.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 5.0


def main() -> int:
    """Run the command, pass signals on to it, and return its exit status."""
    starter = int(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    child = subprocess.Popen(sys.argv[2:])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: _pass_on(child, starter, number))
    threading.Thread(target=_watch, args=(starter, child), daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    if os.getppid() != starter:
        _end_group(child)
    return child.wait()


def _pass_on(child: "subprocess.Popen[bytes]", starter: int, number: int) -> None:
    if os.getppid() != starter:
        _end_group(child)
    else:
        child.send_signal(number)


def _watch(starter: int, child: "subprocess.Popen[bytes]") -> None:
    while os.getppid() == starter:
        time.sleep(1.0)
    _end_group(child)


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """End the command and all it started; this process is the leader of their group."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(0, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
