"""The kinds of work of storage."""

from marketplace.storage import collecting
from marketplace.work.kinds import Kind, register, register_sweep

register(Kind(collecting.COLLECT, "housekeeping", perform=collecting.perform, give_up=collecting.give_up))
register_sweep(collecting.begin_when_due)
