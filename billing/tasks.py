"""The kinds of work of billing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from billing import events, holds, kinds, payments, refunds, settling
from billing.books import reconciling
from billing.processor import Unavailable
from billing.selling import onboarding, payables, payout_holds, transfers
from marketplace.work.faults import PlatformFault
from marketplace.work.kinds import Kind, register, register_sweep
from marketplace.work.leases import Lease

#: Stripe may be away for hours. The pause grows with each attempt, so this is about ten hours before staff must look.
_ATTEMPTS = 60
_PAUSE = timedelta(seconds=20)


def _when_stripe_answers(perform: Callable[[Lease], None]) -> Callable[[Lease], None]:
    """``perform``, tried again later when Stripe gives no answer."""

    def patiently(lease: Lease) -> None:
        try:
            perform(lease)
        except Unavailable as silence:
            raise PlatformFault(f"Stripe gave no answer: {silence}", again=True) from silence

    return patiently


for name, perform, give_up in (
    (kinds.EVENT, events.process, events.died),
    (kinds.SETTLE, settling.perform, settling.not_settled),
    (kinds.RENEW, holds.renew, settling.not_settled),
    (kinds.VOID, payments.perform_void, settling.not_settled),
    (kinds.REFUND, refunds.send, refunds.not_sent),
    (kinds.TRANSFER, transfers.send, transfers.give_up),
    (kinds.REVERSAL, transfers.take_back, transfers.give_up),
    (kinds.SELLER, onboarding.perform, onboarding.give_up),
):
    register(
        Kind(
            name,
            "interactive",
            perform=_when_stripe_answers(perform),
            give_up=give_up,
            attempts=_ATTEMPTS,
            backoff=_PAUSE,
        )
    )
register(
    Kind(
        kinds.RECONCILE,
        "housekeeping",
        perform=_when_stripe_answers(reconciling.perform),
        give_up=reconciling.not_reconciled,
        lease=timedelta(minutes=2),
        attempts=_ATTEMPTS,
        backoff=_PAUSE,
    )
)
register_sweep(payments.sweep)
register_sweep(holds.sweep)
register_sweep(reconciling.sweep)
register_sweep(payables.release_due)
register_sweep(onboarding.look_again)
register_sweep(payout_holds.sweep)
