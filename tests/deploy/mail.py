"""A mail server that keeps what it is given: enough of SMTP (RFC 5321) for Django's client."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 mail.example")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self._say("354 Go on")
                self._keep()
            self._say("221 Bye" if line == b"QUIT" else "250 Fine")

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        cast("_Server", self.server).kept.append(cast("EmailMessage", message))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.kept: list[EmailMessage] = []


@contextmanager
def server() -> Iterator[tuple[int, list[EmailMessage]]]:
    """A running server: its port, and the messages it was given."""
    with _Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address[1], running.kept
        running.shutdown()
