"""The shell command makes data without a server, and says everything that is wrong with what was asked at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from generation.runner.__main__ import main
from marketplace.site.demo import HOUSE_GENERATORS
from tests.data.tables import tumours, write_csv
from tests.generation.runner.asking import CLINIC, CROOK, SEED

COINS = "tests.generation.runner.toys:coins"


def files(folder: Path) -> dict[str, str]:
    """SHA-256 of every Parquet file below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def document(path: Path) -> dict[str, object]:
    read: dict[str, object] = json.loads(path.read_text())
    return read


def test_run_writes_files_recipe_layout_statistics_and_answer_key_and_prints_the_digests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["run", CLINIC, "--units", "500", "--seed", SEED.upper(), "--param", "visits=2", "--out", str(out)]
    assert main(arguments) == 0
    told = capsys.readouterr().out.splitlines()
    made = files(out)
    assert next(iter(made)) == "people/train-00000-of-00009.parquet"
    assert len(made) == 18
    assert told[0] == f"seed {SEED}"
    assert told[1].startswith("runtime sha256:")
    assert sorted(line.split("  ")[:2] for line in told[2:]) == sorted([digest, path] for path, digest in made.items())
    assert {path.name for path in out.iterdir()} == {
        *("people", "visits"),
        *("recipe.json", "layout.json", "statistics.json", "answer_key.json"),
    }
    recipe = document(out / "recipe.json")
    assert recipe["parameters"] == {"visits": 2}
    assert SEED not in (out / "recipe.json").read_text()
    assert document(out / "answer_key.json") == {"smokers": 0.25}
    statistics = json.loads((out / "statistics.json").read_text())
    assert (statistics["people"]["rows"], statistics["visits"]["rows"]) == (500, 1000)
    assert pq.read_table(out / "people").num_rows == 500
    mark = json.loads(pq.read_schema(out / "people" / "train-00000-of-00009.parquet").metadata[b"lookalike"])
    assert (mark["generator"], mark["version"]) == ("toy-clinic", "1.0.0")
    assert mark["digitalSourceType"].endswith("/algorithmicMedia")


def test_splits_have_their_shares_and_files_of_their_names(tmp_path: Path) -> None:
    split = ["--split", "train=0.8", "--split", "test=0.2"]
    assert main(["run", COINS, "--units", "1000", "--out", str(tmp_path / "out"), *split]) == 0
    rows: dict[str, int] = {}
    for path in (tmp_path / "out" / "data").iterdir():
        name = path.name.partition("-")[0]
        rows[name] = rows.get(name, 0) + pq.read_metadata(path).num_rows
    assert rows == {"train": 800, "test": 200}


def test_blocks_alone_are_the_rows_that_they_are_of_the_whole(tmp_path: Path) -> None:
    asked = ["run", COINS, "--units", "1000", "--seed", SEED]
    assert main([*asked, "--out", str(tmp_path / "whole")]) == 0
    assert main([*asked, "--out", str(tmp_path / "some"), "--blocks", "3:5"]) == 0
    whole = pa.concat_tables([pq.read_table(tmp_path / "whole" / name) for name in files(tmp_path / "whole")])
    assert list(files(tmp_path / "some")) == ["data/blocks-00003-of-00100.parquet"]
    some = pq.read_table(tmp_path / "some" / "data")
    assert some["toss"].to_pylist() == list(range(30, 50))
    assert some["heads"] == whole.sort_by("toss")["heads"].slice(30, 20)


def test_a_seed_that_is_not_given_is_drawn_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def made(name: str, *seed: str) -> tuple[str, dict[str, str]]:
        asked = ["run", COINS, "--units", "64", "--out", str(tmp_path / name), "--blocks", "0:64", *seed]
        assert main(asked) == 0
        return capsys.readouterr().out.splitlines()[0].removeprefix("seed "), files(tmp_path / name)

    seed, drawn = made("drawn")
    other_seed, other = made("other")
    assert seed != other_seed
    assert drawn != other
    assert made("again", "--seed", seed) == (seed, drawn)


def test_a_generator_that_learns_is_given_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_csv(tumours(), tmp_path / "tumours.csv")
    asked = ["run", "tabular", "--units", "300", "--seed", SEED]
    assert main([*asked, "--source", str(source), "--out", str(tmp_path / "out")]) == 0
    made = pq.read_table(tmp_path / "out" / "data")
    assert (made.num_rows, made.column_names) == (300, tumours().column_names)
    mark = json.loads(made.schema.metadata[b"lookalike"])
    assert mark["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert main([*asked, "--out", str(tmp_path / "none")]) == 2
    assert "source: This generator learns from a source. Upload a file to learn from." in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_file_that_cannot_be_read_is_refused_with_every_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n" + "1,2\n" * 150 + "1\n" + "1,2,3\n")
    asked = ["run", "tabular", "--units", "300", "--source", str(tmp_path / "bad.csv"), "--out", str(tmp_path / "out")]
    assert main(asked) == 2
    told = capsys.readouterr().err
    assert "152" in told
    assert "153" in told
    assert not (tmp_path / "out").exists()


def test_everything_that_is_wrong_with_the_command_line_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    code = main(
        [
            *("run", "no-such-name", "--units", "0", "--seed", "abc", "--out", str(tmp_path), "--workers", "0"),
            *("--param", "novalue", "--param", "=1", "--split", "train", "--split", "test=many"),
            *("--source", str(tmp_path / "nowhere.csv"), "--blocks", "3", "--memory", "-1"),
        ]
    )
    assert code == 2
    told = capsys.readouterr().err
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "there is no generator 'no-such-name'; known are",
        "--units 0",
        f"--out {tmp_path}",
        "--seed abc",
        f"--source {tmp_path / 'nowhere.csv'}",
        "--blocks 3",
        *("--param novalue", "--param =1", "--split train", "--split test=many"),
        *("--workers 0", "--memory -1"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--param", "sides=1", "--param", "colour=red"], ["sides: ", "colour: "]),
        (["--blocks", "90:101"], ["--blocks 90:101: give A:B with A < B, of 100 blocks of 10 units."]),
        (["--blocks", "5:5"], ["--blocks 5:5: give A:B with A < B"]),
        (["--split", "a=0", "--split", "a=nan", "--split", "B=1"], ["two splits", "a must be above 0, not nan", "'B'"]),
    ],
)
def test_what_the_generator_or_the_plan_refuses_is_told_at_once_too(
    given: list[str], told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["run", "tests.generation.dice:dice", "--units", "1000", "--out", str(tmp_path / "out")]
    assert main([*asked, *given]) == 2
    error = capsys.readouterr().err
    assert [part for part in told if part not in error] == []
    assert not (tmp_path / "out").exists()


def test_a_fault_of_the_run_says_whose_it_is_with_the_last_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["run", CROOK, "--units", "20", "--out", str(tmp_path / "out"), "--workers", "2"]
    assert main([*asked, "--param", "way=sys.exit"]) == 1
    told = capsys.readouterr().err
    assert "The generator's process ended before it had answered (exit code 1). (fault of the seller)" in told
    assert "I give up." in told


def test_list_names_the_installed_generators(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    told = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert told == {point.name: point.value for point in entry_points(group="lookalike.generators")}
    assert set(HOUSE_GENERATORS) <= set(told)


def test_describe_prints_what_a_generator_says_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", COINS]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["version"], told["modality"], told["source"]) == (
        "toy-coins",
        "1.0.0",
        "tabular",
        "none",
    )
    assert told["parameters_schema"]["properties"]["share"]["default"] == 0.5
    assert len(told["digest"]) == len(told["runtime"]["id"]) == 64
    assert main(["describe", "no-such-name"]) == 2
    assert "known are: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["make"], ["run"], ["run", COINS, "--units", "many", "--out", "x"]])
def test_a_command_that_is_none_ends_with_its_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: lookalike" in capsys.readouterr().err


def test_the_command_needs_no_server_and_no_settings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "generation.runner", "run", COINS, "--units", "5", "--out", "out"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("seed ")
    assert sum(pq.read_metadata(tmp_path / "out" / path).num_rows for path in files(tmp_path / "out")) == 5
