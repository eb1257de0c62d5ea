"""Reading a buyer's upload: from bytes that nobody trusts to typed columns, or to a list of everything that is wrong.

Runs in a child process without secrets. What it returns describes the file and tells nothing of its rows: names and
types of columns, and for a fault the row and column where it stands, never the value that stands there.
"""

from generation.runner.parse.faults import Faults, Limits
from generation.runner.parse.upload import parse

__all__ = ["Faults", "Limits", "parse"]
