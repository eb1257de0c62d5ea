"""Other people's tools in environments of their own: nothing of them comes into the project's, whatever they need."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path


def python_apart(home: Path, requirements: Sequence[str], without: Sequence[str] = ()) -> Path:
    """Return the Python of an environment at ``home`` in which the requirements are, making it where it is not.

    Packages ``without`` which the requirements run, and beside which they do not, are taken out again.
    """
    python, stamp, wanted = home / "bin" / "python", home / "installed", "\n".join(requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        sys.stderr.write(f"Installing {', '.join(requirements)} apart\n")
        venv.create(home, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        if without:
            subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *without], check=True)
        stamp.write_text(wanted)
    return python
