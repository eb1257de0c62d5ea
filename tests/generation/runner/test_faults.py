"""Whatever a generator does wrong is told as a fault of its seller, and nothing of what it made is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from generation.runner import GeneratorFault, Limits, PlatformFault, Runner, RunnerFault, parse_source
from tests.generation.runner.asking import CROOK, MARK, a_job, all_blocks, files_below

SHORT = Limits(block_seconds=3, prepare_seconds=3)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the crook prepares as long as it is honest."""
    home = tmp_path_factory.mktemp("honest")
    with Runner(CROOK, scratch=home) as runner:
        runner.prepare(a_job(CROOK), None, home / "state")
    return home / "state"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    for name in ("scratch", "out"):
        (tmp_path / name).mkdir()
    yield tmp_path
    assert files_below([tmp_path / "out"]) == []


def refused_shard(way: str, state: Path, home: Path, limits: Limits | None = None) -> RunnerFault:
    job = a_job(CROOK, way=way)
    with Runner(CROOK, scratch=home / "scratch", memory_mib=512, limits=limits or Limits()) as runner:
        with pytest.raises(RunnerFault) as caught:
            runner.shard(job, all_blocks(job), state, home / "out", MARK)
        assert files_below([home / "out"]) == []
    return caught.value


ROWS = {
    "raise": "it raised KeyError: 'no such town'",
    "exit": r"ended before it had answered \(exit code 3\)",
    "sys.exit": r"ended before it had answered \(exit code 1\)",
    "crash": r"ended before it had answered \(SIGSEGV\)",
    "unknown table": "block yielded a table 'nobody'; the layout has people, visits",
    "table instead of a batch": "block yielded a Table for people, not a pyarrow.RecordBatch",
    "other type": "table people: column height is float, the layout says double",
    "row too few": "table people: block 1 has 9 rows for 10 units",
    "row too many": "table people: block 1 has 11 rows for 10 units",
    "bad offsets": "table people: the data is not valid Arrow",
    "picture cut short": "table people: column portrait, row 0: the PNG picture breaks off",
    "frame of no kind": "a frame of unknown kind 238 came",
    "frame of no Arrow": "table people: what came is no Arrow stream",
    "frame of no table": "there is no table number 7",
    "frame without end": "one frame has [0-9]+ MiB, more than [0-9]+: yield smaller batches",
    "state among rows": "a frame of kind STATE_FILE has no place in a shard",
    "text with a NUL byte": "a text holds a NUL byte",
    "usage without end": "what came is no answer",
    "block out of turn": "block 77 came where block 1 was due",
    "block of no number": "what came is no number of a block",
    "answer of no JSON": "what came is no answer",
    "answer too early": "the generator ended before block 1",
    "answer of no sense": "what came is no answer",
    "usage of no sense": "what came is no answer",
}


@pytest.mark.parametrize("way", ROWS)
def test_a_shard_that_goes_wrong_is_the_sellers_fault_and_leaves_no_file(way: str, state: Path, home: Path) -> None:
    fault = refused_shard(way, state, home)
    assert fault.owner == "seller"
    assert not fault.again
    with pytest.raises(type(fault), match=ROWS[way]):
        raise fault


def test_the_last_words_of_the_generator_come_with_the_fault(state: Path, home: Path) -> None:
    assert "I give up." in refused_shard("sys.exit", state, home).log


@pytest.mark.parametrize("way", ["memory", "arrow memory"])
def test_a_generator_gets_no_more_memory_than_it_was_given(way: str, state: Path, home: Path) -> None:
    fault = refused_shard(way, state, home)
    assert isinstance(fault, GeneratorFault)
    assert fault.message == "The generator failed: it took more memory than it may have"


@pytest.mark.parametrize("way", ["sleep", "rows without end"])
def test_a_block_that_takes_too_long_is_ended(way: str, state: Path, home: Path) -> None:
    fault = refused_shard(way, state, home, SHORT)
    assert isinstance(fault, GeneratorFault)
    assert fault.message == "The generator took longer than 3 s."


def test_a_generator_writes_no_larger_file_than_it_may(state: Path, home: Path) -> None:
    fault = refused_shard("large file in scratch", state, home, Limits(file_mib=2))
    assert isinstance(fault, GeneratorFault)
    assert "File too large" in fault.message


def test_a_table_that_becomes_too_large_a_file_is_the_sellers_fault(home: Path) -> None:
    job = a_job(CROOK, units=20_000, visits=40)
    with Runner(CROOK, scratch=home / "scratch", limits=Limits(file_mib=1)) as runner:
        runner.prepare(job, None, home / "state")
        with pytest.raises(GeneratorFault, match="became larger than 1 MiB"):
            runner.shard(job, all_blocks(job, 1000), home / "state", home / "out", MARK)


PREPARE = {
    "state of objects": "it raised ValueError: Object arrays cannot be saved",
    "state named as a path": "it raised TypeError: state is named by words",
    "state of nothing known": "it raised TypeError",
    "forged state file": "the state has a file named '../../escaped.json'",
    "progress of no sense": "sent what it may not send",
    "progress beyond all bounds": "sent what it may not send",
    "no table": "the layout cannot be made: the layout has no table",
    "table named as a path": "a table is named by a word",
    "endless needs": "not JSON compliant",
    "check of no sense": "answered what makes no sense",
    "check of no JSON": "what came is not JSON",
    "check without end": "what came is not JSON",
    "check of infinities": "what came is not JSON",
    "check of half a character": "a text holds a NUL byte or half a character",
    "check that blames the buyer": "It was not me.",
    "check of a list": "answered what makes no sense",
}


@pytest.mark.parametrize("way", PREPARE)
def test_a_preparation_that_goes_wrong_is_the_sellers_fault_and_leaves_no_file(way: str, home: Path) -> None:
    with Runner(CROOK, scratch=home / "scratch") as runner, pytest.raises(GeneratorFault, match=PREPARE[way]):
        runner.prepare(a_job(CROOK, way=way), None, home / "out" / "state")
    assert files_below([home]) == []


def test_all_faults_of_a_layout_are_named_at_once(home: Path) -> None:
    with Runner(CROOK, scratch=home) as runner:
        with pytest.raises(GeneratorFault) as caught:
            runner.check(a_job(CROOK, way="dictionary column"))
        assert "key column 'nobody' is not there" in caught.value.message
        assert "column 'town' has type dictionary" in caught.value.message
        with pytest.raises(GeneratorFault, match="column 'span' has type month_day_nano_interval"):
            runner.check(a_job(CROOK, way="interval column"))


def test_a_state_is_no_larger_than_it_may_be(home: Path) -> None:
    limits = Limits(state_mib=16)
    with (
        Runner(CROOK, scratch=home, limits=limits) as runner,
        pytest.raises(GeneratorFault, match="larger than a stat"),
    ):
        runner.prepare(a_job(CROOK, way="large state"), None, home / "out" / "state")


def test_an_answer_that_does_not_come_is_not_waited_for(home: Path) -> None:
    limits = Limits(answer_seconds=4)
    with Runner(CROOK, scratch=home, limits=limits) as runner, pytest.raises(GeneratorFault, match="longer than 4 s"):
        runner.check(a_job(CROOK, way="sleep in check"))


def test_a_preparation_that_does_not_end_is_not_waited_for(home: Path) -> None:
    with Runner(CROOK, scratch=home, limits=SHORT) as runner, pytest.raises(GeneratorFault, match="longer than 3 s"):
        runner.prepare(a_job(CROOK, way="sleep in prepare"), None, home / "out")


def test_an_answer_key_that_is_no_json_is_the_sellers_fault(state: Path, home: Path) -> None:
    with Runner(CROOK, scratch=home) as runner, pytest.raises(GeneratorFault, match="int64 is not JSON"):
        runner.answer_key(a_job(CROOK, way="answer key of no JSON"), state)


@pytest.mark.parametrize("discreet", [True, False])
def test_no_fault_repeats_a_row_of_a_source_unless_that_was_asked_for(discreet: bool, home: Path) -> None:
    upload, source = home / "people.csv", home / "source"
    upload.write_text("age,town\n" + "".join(f"{20 + n % 50},{'Ulm' if n % 2 else 'Kiel'}\n" for n in range(300)))
    source.mkdir()
    facts = parse_source(upload, source, scratch=home / "scratch", limits={"holdout_key": "5a" * 16})
    job = replace(a_job(CROOK, way="quote the source"), facts=facts)
    with (
        Runner(CROOK, scratch=home / "scratch", discreet=discreet) as runner,
        pytest.raises(GeneratorFault, match="it raised ValueError") as caught,
    ):
        runner.prepare(job, source, home / "state")
    assert ("Kiel" in caught.value.message) is not discreet
    assert ("Kiel" in caught.value.log) is not discreet
    if discreet:
        assert "prepare, toys.py, line" in caught.value.message


def test_a_parser_that_fails_repeats_nothing_of_what_it_said(home: Path) -> None:
    (home / "people.csv").write_text("age,town\n20,Ulm\n")
    (home / "source").mkdir()
    limits = {"holdout_key": "5a" * 16, "columns": "many"}
    with pytest.raises(PlatformFault, match="it raised TypeError") as caught:
        parse_source(home / "people.csv", home / "source", scratch=home / "scratch", limits=limits)
    assert "not supported" not in caught.value.message + caught.value.log


def test_a_generator_that_cannot_be_imported_is_the_sellers_fault(home: Path) -> None:
    for reference, told in {
        "tests.generation.runner.nowhere:x": "it raised ModuleNotFoundError: No module named",
        "tests.generation.runner.toys:nobody": "it raised LookupError: module tests.generation.runner.toys has no",
        "no-such-name": "it raised LookupError: there is no generator 'no-such-name'; known are: augmented, card-",
    }.items():
        with Runner(reference, scratch=home) as runner, pytest.raises(GeneratorFault, match=told):
            runner.describe()


def test_all_problems_of_a_job_are_told_and_none_of_them_is_a_fault(home: Path) -> None:
    with Runner(CROOK, scratch=home) as runner:
        checked = runner.check(a_job(CROOK, units=0, batch=0, nonsense=1))
        assert [problem.field for problem in checked.problems] == ["units", "batch", "nonsense"]
        assert (checked.layout, checked.needs) == (None, None)
        with pytest.raises(PlatformFault, match=r"cannot be run\. units: There is nothing to make"):
            runner.prepare(a_job(CROOK, units=0), None, home / "out" / "state")


def test_a_job_that_names_another_version_of_the_code_is_not_run(home: Path) -> None:
    with Runner(CROOK, scratch=home) as runner:
        digest = runner.describe().digest
        job = a_job(CROOK)
        assert runner.check(replace(job, digest=digest)).problems == ()
        with pytest.raises(PlatformFault, match=f"is installed here as {digest}, the job names {'0' * 64}"):
            runner.check(replace(job, digest="0" * 64))


def test_a_state_that_is_damaged_is_the_platforms_fault(state: Path, home: Path) -> None:
    broken = home / "broken"
    broken.mkdir()
    (broken / "share.json").write_text("{")
    job = a_job(CROOK)
    with Runner(CROOK, scratch=home / "scratch") as runner, pytest.raises(PlatformFault, match="state cannot be read"):
        runner.shard(job, all_blocks(job), broken, home / "out", MARK)


def test_no_file_that_is_there_already_is_touched(state: Path, tmp_path: Path) -> None:
    job = a_job(CROOK)
    (tmp_path / "visits.parquet").write_text("mine")
    with Runner(CROOK, scratch=tmp_path) as runner, pytest.raises(FileExistsError):
        runner.shard(job, all_blocks(job), state, tmp_path, MARK)
    assert [path.name for path in tmp_path.iterdir()] == ["visits.parquet"]
    assert (tmp_path / "visits.parquet").read_text() == "mine"


def test_what_the_caller_raises_while_told_of_progress_ends_the_shard_and_stays_the_callers(
    state: Path, home: Path
) -> None:
    job = a_job(CROOK)

    def refuse(units: int, size: int) -> None:
        raise ValueError("the lease was lost")

    with Runner(CROOK, scratch=home / "scratch") as runner, pytest.raises(ValueError, match="the lease was lost"):
        runner.shard(job, all_blocks(job), state, home / "out", MARK, refuse)


def test_what_the_caller_raises_while_told_of_preparing_stays_the_callers(home: Path) -> None:
    def refuse(share: float, what: str) -> None:
        raise ValueError("the lease was lost")

    with Runner(CROOK, scratch=home / "scratch") as runner, pytest.raises(ValueError, match="the lease was lost"):
        runner.prepare(a_job(CROOK), None, home / "out" / "state", refuse)


def test_after_a_fault_the_next_job_is_made(state: Path, home: Path) -> None:
    with Runner(CROOK, scratch=home / "scratch") as runner:
        job = a_job(CROOK, way="crash")
        with pytest.raises(GeneratorFault):
            runner.shard(job, all_blocks(job), state, home / "out", MARK)
        (home / "later").mkdir()
        honest = a_job(CROOK)
        result = runner.shard(honest, all_blocks(honest), state, home / "later", MARK)
    assert [(file.table, file.rows) for file in result.files] == [("people", 20), ("visits", 60)]
