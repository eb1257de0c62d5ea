"""Who an invoice is written to, and what it says."""
