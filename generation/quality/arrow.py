"""Arrow arrays and compute functions without their stubs, which know each function for each type of array alone."""

from __future__ import annotations

from typing import Any, TypeAlias

from pyarrow import compute

#: A ``pa.Array`` of any type.
ArrowArray: TypeAlias = Any

#: A ``pa.Field`` of any type.
ArrowField: TypeAlias = Any

#: ``pyarrow.compute``
pc: Any = compute
