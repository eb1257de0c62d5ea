"""What pages show of a quality report: each figure beside its yardsticks, with a line that says what it means.

The document is ``lookalike/quality/1``; what stands in its sections is said where the judge computes them, in
``generation.quality.judge``. Pages are drawn from it and never from rows.
"""

from catalog.quality.figures import Measured
from catalog.quality.filled import filled_cells
from catalog.quality.report import TableReport, listed, measures, reports

__all__ = ["Measured", "TableReport", "filled_cells", "listed", "measures", "reports"]
