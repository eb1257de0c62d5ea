"""A Stripe of our own for one machine and for tests: stateful, and checked against Stripe's published description."""
