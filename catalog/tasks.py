"""The kinds of work of the catalogue."""

from __future__ import annotations

from uuid import UUID

from catalog import certificates, difference, licensing, news, previews, withdrawing
from catalog.models import Version
from catalog.search import entries
from marketplace.work.faults import WorkFault
from marketplace.work.kinds import Kind, register, register_sweep
from marketplace.work.leases import Lease


def _preview(lease: Lease) -> None:
    previews.make(Version.objects.get(id=lease.subject))


def _difference(lease: Lease) -> None:
    difference.make(Version.objects.get(id=lease.subject))


def _no_difference(version: UUID, fault: WorkFault) -> None:
    """Nothing to record: the page shows no difference, and the failed piece is there for staff to see."""


def _no_preview(version: UUID, fault: WorkFault) -> None:
    """Nothing to record: the page says that there is no preview, and the failed piece is there for staff to see."""


def _not_destroyed(version: UUID, fault: WorkFault) -> None:
    """Nothing to record: nobody is handed the bytes, and the doctor tells that they are still there."""


register(Kind(previews.PREVIEW, "publishing", perform=_preview, give_up=_no_preview))
register(Kind(difference.DIFFERENCE, "publishing", perform=_difference, give_up=_no_difference))
register(Kind(news.TELL, "housekeeping", perform=news.tell, give_up=news.give_up))
for destroying in withdrawing.KINDS:
    register(Kind(destroying, "housekeeping", perform=withdrawing.destroy, give_up=_not_destroyed, attempts=10))
register_sweep(entries.sweep)
register_sweep(licensing.expire)
register_sweep(certificates.issue_missing)
register_sweep(certificates.sign_again)
