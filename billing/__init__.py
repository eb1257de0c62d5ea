"""Money: purchases, holds, payments through Stripe, the ledger, refunds, disputes, payouts."""
