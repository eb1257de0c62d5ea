"""``surface-defects``: pictures of brushed metal with scratches, dents, stains and holes."""

from generation.generators.image.surface_defects.maker import SurfaceDefects

generator = SurfaceDefects()

__all__ = ["generator"]
