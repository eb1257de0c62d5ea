"""The plots of ``marketplace.web.plots`` in templates.

``{% load plots %}``, then for example ``{% histogram column.plot name=column.name %}``.
"""

from __future__ import annotations

from django import template

from marketplace.web import plots

register = template.Library()

register.simple_tag(plots.histogram)
register.simple_tag(plots.category_bars)
register.simple_tag(plots.column_head)
register.simple_tag(plots.thumbnails)
register.simple_tag(plots.digest_cells)
register.simple_tag(plots.rate_line)
register.simple_tag(plots.shard_cells)
register.simple_tag(plots.gauge)
register.simple_tag(plots.curve)
