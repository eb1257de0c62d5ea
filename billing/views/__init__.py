"""Pages of billing, and the address that Stripe sends its events to."""
