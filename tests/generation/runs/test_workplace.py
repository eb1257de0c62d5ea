"""What a worker keeps on its disk is gone with it, however it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from generation.runs import workplace


def killed_with_a_folder() -> Path:
    """The folder of a process that was killed with -9 while an upload lay in it."""
    told, tell = os.pipe()
    process = os.fork()
    if not process:
        with workplace.scratch_folder("upload") as folder:
            (folder / "rows.csv").write_text("age,salary\n44,9999999\n")
            os.write(tell, str(folder).encode())
            signal.pause()
    folder = Path(os.read(told, 4096).decode())
    assert (folder / "rows.csv").exists()
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(told)
    os.close(tell)
    return folder


def test_what_a_killed_worker_left_is_removed_by_the_sweep_and_what_is_in_use_stays() -> None:
    with workplace.scratch_folder("probe") as used:
        left = killed_with_a_folder()
        assert left.exists()
        workplace.clear_scratch()
        assert not left.exists()
        assert used.exists()
    assert not used.exists()


def test_the_next_piece_of_work_removes_what_a_killed_worker_left() -> None:
    left = killed_with_a_folder()
    with workplace.scratch_folder("upload"):
        assert not left.exists()
