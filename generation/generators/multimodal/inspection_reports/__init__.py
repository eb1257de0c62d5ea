"""``inspection-reports``: parts with a picture, a note that agrees with it, and measurements in a second table."""

from generation.generators.multimodal.inspection_reports.maker import InspectionReports

generator = InspectionReports()

__all__ = ["generator"]
