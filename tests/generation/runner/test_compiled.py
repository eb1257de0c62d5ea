"""What was compiled when the image was built is what children use: they compile nothing again."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.runner import compiled, process


def kept(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*.nbc")}


@pytest.mark.slow
def test_a_child_finds_the_loops_of_every_house_generator_and_compiles_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "compiled"
    compiled.compile_all(folder)
    loops = kept(folder)
    assert {path.name.split("-")[0] for path in loops} >= {"kernels.grow", "kernels.follow", "light._shade"}
    monkeypatch.setattr(process, "COMPILED", folder)
    copies = []
    with_compiled = process.with_compiled

    def watched(scratch: Path) -> dict[str, str]:
        copies.append(scratch / "compiled")
        return with_compiled(scratch)

    monkeypatch.setattr(process, "with_compiled", watched)
    home = tmp_path / "home"
    home.mkdir()
    compiled.make_something(home)
    assert len(copies) > 2
    assert all(kept(copy) == loops for copy in copies if copy.exists())
    assert kept(folder) == loops
