"""The adapter to Stripe: nothing else imports ``stripe``.

What Stripe says is read into small frozen values, here and only here. Nothing is assumed that Stripe's documentation
does not promise: an object may come as its id, a list in pages of one, with fields that nobody knows.
"""

from billing.processor.client import Refused, Unavailable

__all__ = ["Refused", "Unavailable"]
