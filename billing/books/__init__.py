"""The ledger: what is posted, how parts are split, and each day compared with Stripe."""
