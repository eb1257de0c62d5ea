"""Run a command that ends when its starter does, also when the starter is killed: ``guard.py PID SIGNAL COMMAND …``.

On Linux the kernel is asked to send a signal to this process when the parent dies (prctl PR_SET_PDEATHSIG). The flag
is lost when the command changes its user, as PostgreSQL's does under root, so the command runs as a child here and is
ended from here, with its whole group: by SIGNAL, then by SIGKILL. Elsewhere the parent's pid is watched.
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
_LOOK_SECONDS = 0.05
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
_ENDING = threading.Event()


def main() -> int:
    """Run the command, pass signals on to it, and return its exit status."""
    if os.getpgid(0) != os.getpid():
        os.setsid()
    starter, last = int(sys.argv[1]), signal.Signals(int(sys.argv[2]))
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    child = subprocess.Popen(sys.argv[3:])
    for number in _SIGNALS:
        signal.signal(number, lambda number, frame: _pass_on(child, starter, number, last))
    threading.Thread(target=_watch, args=(starter, child, last), daemon=True).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)
    if os.getppid() != starter:
        _end_group(child, last)
    status = child.wait()
    if _ENDING.is_set():
        signal.pause()  # until SIGKILL comes from the thread that ends the group
    return status


def _pass_on(child: "subprocess.Popen[bytes]", starter: int, number: int, last: signal.Signals) -> None:
    if os.getppid() != starter:
        _end_group(child, last)
    else:
        child.send_signal(number)


def _watch(starter: int, child: "subprocess.Popen[bytes]", last: signal.Signals) -> None:
    while os.getppid() == starter:
        time.sleep(1.0)
    _end_group(child, last)


def _end_group(child: "subprocess.Popen[bytes]", last: signal.Signals) -> None:
    """End the command and all it started; this process is the leader of their group, and ends with it."""
    if _ENDING.is_set():
        return
    _ENDING.set()
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(0, last)
    end = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < end and not _ended(child):
        time.sleep(_LOOK_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _ended(child: "subprocess.Popen[bytes]") -> bool:
    """Is the command gone? It is not reaped here: the main thread waits for it."""
    if sys.platform != "linux":
        return child.returncode is not None
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    return True


if __name__ == "__main__":
    sys.exit(main())
