"""Print the part of ``requirements.lock`` that runs in production, hashes and all: ``requirements.py [ROOT]``.

The lock holds what anyone needs, also test tools and the servers of the one-machine stack. Its ``# via`` comments say
who needs each pin; from the project's core and ``vision`` requirements they lead to all that the image installs.
"""

import re
import sys
import tomllib
from pathlib import Path

_EXTRAS = ("vision",)
_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)==")
_PROJECT = "lookalike (pyproject.toml)"


def main() -> int:
    """Write the pins to stdout."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    sys.stdout.write(needed((root / "pyproject.toml").read_text(), (root / "requirements.lock").read_text()))
    return 0


def needed(project: str, lock: str) -> str:
    """Return the pins of ``lock`` that ``project`` needs in production. Raises ValueError for one that has no pin."""
    pins = {_normal(_PIN.match(block)[1]): block for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.M)[1:]}
    askers = {name: _askers(block) for name, block in pins.items()}
    wanted = set(_roots(tomllib.loads(project)))
    if unknown := wanted - pins.keys():
        raise ValueError(f"requirements.lock has no pin of {', '.join(sorted(unknown))}: run `make lock`.")
    while more := {name for name, by in askers.items() if by & wanted} - wanted:
        wanted |= more
    return "".join(pins[name] for name in sorted(wanted))


def _roots(project: dict) -> list[str]:
    table = project["project"]
    asked = [*table["dependencies"], *project["build-system"]["requires"]]
    for extra in _EXTRAS:
        asked += table["optional-dependencies"][extra]
    return [_normal(re.match(r"[\w.-]+", line)[0]) for line in asked]


def _askers(block: str) -> set[str]:
    said = block.partition("# via")[2].replace("#", "")
    return {_normal(line.strip()) for line in said.splitlines() if line.strip() and line.strip() != _PROJECT}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
