"""Arrow without its stubs: they want the type of every array beforehand, a source's is known at run time."""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow.compute

ArrowArray: TypeAlias = Any
ArrowType: TypeAlias = Any
ArrowField: TypeAlias = Any
pc: Any = pyarrow.compute
