"""The kinds of work of the site."""

from marketplace.site import shelves
from marketplace.work.kinds import Kind, register, register_sweep

register(Kind(shelves.SHELVE, "publishing", perform=shelves.shelve, give_up=shelves.shelving_failed))
register_sweep(shelves.sweep)
