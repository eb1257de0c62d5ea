"""The two children of a runner: killed, cancelled, orphaned; what they know and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generation.runner import CancelledFault, GeneratorFault, PlatformFault, Runner, ShardPlan, process
from generation.runner.pins import PINS
from tests.generation.runner.asking import CLINIC, CROOK, MARK, a_job, a_shard, all_blocks, files_below

SECRET = "correct-horse-battery-staple"


#: Children that other tests of this process keep warm.
_others: set[int] = set()


@pytest.fixture(autouse=True)
def leave_others_alone() -> None:
    """Count none of the children that were there before the test."""
    _others.clear()
    while found := children():
        _others.update(found.values())


def children(parent: int | None = None) -> dict[str, int]:
    """The runner children of a process by the module they run."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in _others:
            try:
                status, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            state, ppid = status.rpartition(")")[2].split()[:2]
            module = next((part.decode() for part in command if part.startswith(b"generation.runner.")), None)
            if module and int(ppid) == (parent or os.getpid()) and state != "Z":
                found[module.rpartition(".")[2]] = int(entry.name)
    return found


def until(condition: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def kill_now(child: int) -> None:
    """Kill a child of this process and return when it is dead; it is not reaped."""
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("victim", ["child", "writer"])
def test_after_a_kill_another_attempt_may_succeed_and_gives_the_same_bytes(victim: str, tmp_path: Path) -> None:
    honest, slow = a_job(CROOK), a_job(CROOK, way="sleep")
    with Runner(CROOK, scratch=tmp_path) as runner:
        whole = a_shard(runner, honest, tmp_path)

        def kill(units: int = 0, size: int = 0) -> None:
            os.kill(children()[victim], signal.SIGKILL)

        (tmp_path / "broken").mkdir()
        with pytest.raises(PlatformFault, match=r"was killed \(SIGKILL\)") as caught:
            runner.shard(slow, all_blocks(slow), tmp_path / "state", tmp_path / "broken", MARK, kill)
        assert caught.value.again
        assert caught.value.owner == "platform"
        assert files_below([tmp_path / "broken"]) == []
        assert children() == {}
        again = a_shard(runner, honest, tmp_path, out="again")
    assert [file.sha256 for file in again.files] == [file.sha256 for file in whole.files]
    assert again.statistics == whole.statistics


@pytest.mark.parametrize("victim", ["child", "writer"])
def test_a_kill_just_before_a_shard_is_told_or_made_up_for_and_the_bytes_are_the_same(
    victim: str, tmp_path: Path
) -> None:
    """The runner sees it before it asks, and starts anew, or while it asks: nobody knows when a signal arrives."""
    with Runner(CROOK, scratch=tmp_path) as runner:
        whole = a_shard(runner, a_job(CROOK), tmp_path)
        os.kill(children()[victim], signal.SIGKILL)
        try:
            again = a_shard(runner, a_job(CROOK), tmp_path, out="broken")
        except PlatformFault as fault:
            assert fault.again
            assert files_below([tmp_path / "broken"]) == []
            again = a_shard(runner, a_job(CROOK), tmp_path, out="again")
    assert [file.sha256 for file in again.files] == [file.sha256 for file in whole.files]
    assert again.statistics == whole.statistics


def test_a_kill_while_it_prepares_leaves_no_file_and_may_be_tried_again(tmp_path: Path) -> None:
    with Runner(CLINIC, scratch=tmp_path) as runner:

        def kill(share: float, what: str) -> None:
            os.kill(children()["child"], signal.SIGKILL)

        with pytest.raises(PlatformFault) as caught:
            runner.prepare(a_job(), None, tmp_path / "state", kill)
        assert caught.value.again
        assert files_below([tmp_path]) == []
        assert len(runner.prepare(a_job(), None, tmp_path / "state")) == 3


@pytest.mark.parametrize("asked", ["a shard", "preparing"])
def test_cancelling_from_another_thread_ends_what_is_under_way_for_good(asked: str, tmp_path: Path) -> None:
    job = a_job(CROOK, way="sleep" if asked == "a shard" else "sleep in prepare")
    (tmp_path / "out").mkdir()
    with Runner(CROOK, scratch=tmp_path) as runner:
        under_way = threading.Event()
        honest = a_job(CROOK)
        runner.prepare(honest, None, tmp_path / "state")
        canceller = threading.Thread(target=lambda: (under_way.wait(240), time.sleep(0.3), runner.kill()))
        canceller.start()
        with pytest.raises(CancelledFault) as caught:
            if asked == "a shard":
                runner.shard(
                    job,
                    all_blocks(job),
                    tmp_path / "state",
                    tmp_path / "out",
                    MARK,
                    lambda units, size: under_way.set(),
                )
            else:
                under_way.set()
                runner.prepare(job, None, tmp_path / "out" / "state")
        canceller.join()
        assert caught.value.owner == "platform"
        assert files_below([tmp_path / "out"]) == []
        assert children() == {}
        with pytest.raises(CancelledFault):
            runner.check(honest)


@pytest.mark.parametrize("way", ["", "crash"])
def test_no_process_no_descriptor_and_no_file_is_left_behind(way: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = open_descriptors()
    with Runner(CROOK, scratch=scratch) as runner:
        a_shard(runner, a_job(CROOK), tmp_path)
        assert set(children()) == {"child", "writer"}
        if way:
            with pytest.raises(GeneratorFault):
                a_shard(runner, a_job(CROOK, way=way), tmp_path, out="broken")
            assert open_descriptors() == before
    assert children() == {}
    assert open_descriptors() == before
    assert files_below([scratch]) == []


def test_children_are_warm_they_serve_one_shard_after_the_other(tmp_path: Path) -> None:
    with Runner(CLINIC, scratch=tmp_path) as runner:
        a_shard(runner, a_job(), tmp_path)
        first = children()
        a_shard(runner, a_job(), tmp_path, out="second")
        assert children() == first


@pytest.mark.parametrize("killed", [0, 1])
def test_children_that_are_killed_while_they_wait_are_started_anew_for_the_next_shard(
    tmp_path: Path, killed: int
) -> None:
    with Runner(CLINIC, scratch=tmp_path) as runner:
        a_shard(runner, a_job(), tmp_path)
        victim = sorted(children().values())[killed]
        kill_now(victim)
        a_shard(runner, a_job(), tmp_path, out="second")
        assert victim not in children().values()


def test_what_a_shard_took_does_not_count_the_shards_before_it(tmp_path: Path) -> None:
    with Runner(CLINIC, scratch=tmp_path) as runner:
        long = a_shard(runner, a_job(units=5_000), tmp_path)
        short = a_shard(runner, a_job(units=5_000), tmp_path, ShardPlan("train", 0, 1, 0, 1, 0, 10, 10), "second")
    assert short.usage.generator_cpu_seconds < long.usage.generator_cpu_seconds
    assert short.usage.writer_cpu_seconds < long.usage.writer_cpu_seconds


def test_no_child_finds_a_secret_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SECRET_KEY",
        "DATABASE_URL",
        "AWS_SECRET_ACCESS_KEY",
        "STRIPE_API_KEY",
        "PYTHONSTARTUP",
        "LD_PRELOAD_",
    ):
        monkeypatch.setenv(name, SECRET)
    (tmp_path / "scratch").mkdir()
    with Runner(CLINIC, scratch=tmp_path / "scratch") as runner:
        a_shard(runner, a_job(), tmp_path)
        found = children()
        assert set(found) == {"child", "writer"}
        for pid in found.values():
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert SECRET.encode() not in environment
            assert SECRET.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
            names = {line.partition(b"=")[0].decode() for line in environment.split(b"\0") if line}
            assert names <= {"PATH", "HOME", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", *PINS}
            assert names >= set(PINS)


def test_children_find_our_code_also_where_its_folder_is_named_like_the_interpreters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "venv-app"
    monkeypatch.setattr(process, "_INSTALLED", frozenset({tmp_path / "venv"}))
    for folder in (beside, tmp_path / "venv" / "lib"):
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.syspath_prepend(str(folder))
    found = process.environment(tmp_path)["PYTHONPATH"].split(os.pathsep)
    assert str(beside) in found
    assert str(tmp_path / "venv" / "lib") not in found


def test_a_child_inherits_no_descriptor_but_its_pipes(tmp_path: Path) -> None:
    with (tmp_path / "private").open("w") as private, Runner(CLINIC, scratch=tmp_path) as runner:
        os.set_inheritable(private.fileno(), True)
        a_shard(runner, a_job(), tmp_path)
        for pid in children().values():
            targets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
            assert not [
                target for target in targets if not target.startswith(("pipe:", "/dev/null", str(tmp_path / "state")))
            ]


_PARENT = """
import sys, time
from pathlib import Path
from generation.runner import Runner
from tests.generation.runner.asking import CROOK, a_job, a_shard
home = Path(sys.argv[1])
with Runner(CROOK, scratch=home) as runner:
    a_shard(runner, a_job(CROOK), home)
    print("warm", flush=True)
    if sys.argv[2] == "at work":
        a_shard(runner, a_job(CROOK, way="sleep"), home, out="second")
    time.sleep(600)
"""


@pytest.mark.parametrize("doing", ["at work", "idle"])
def test_children_die_when_their_parent_is_killed(doing: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path), doing]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "warm\n"
        until(lambda: doing == "idle" or bool(files_below([tmp_path / "second"])))
        pids = list(children(parent.pid).values())
        assert len(pids) == 2
        parent.kill()
    until(lambda: all(gone(pid) for pid in pids))


def test_what_holds_a_runner_loads_no_library_of_generators() -> None:
    """A web process imports the client: it must start without numpy and Arrow."""
    command = (
        "import sys, generation.runner; print([m for m in ('numpy', 'pyarrow', 'numba', 'cv2') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout
    assert told == "[]\n"


def test_code_that_changes_under_a_warm_runner_is_noticed_by_the_next_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(__file__).parents[1] / "dice.py"
    module = tmp_path / "changing_dice.py"
    module.write_text(source.read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    with Runner("changing_dice:dice", scratch=tmp_path) as runner:
        digest = runner.describe().digest
        job = replace(a_job("changing_dice:dice"), digest=digest)
        assert runner.check(job).problems == ()
        module.write_text(source.read_text().replace("endpoint=True", "endpoint=False"))
        kill_now(children()["child"])
        with pytest.raises(PlatformFault, match=f"the job names {digest}"):
            runner.prepare(job, None, tmp_path / "state")
