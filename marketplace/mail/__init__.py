"""Outgoing e-mail: a message is a row and a piece of work, so nobody who writes one waits for a mail server."""
