"""A mail server that keeps what it is given, or refuses it: enough of SMTP (RFC 5321) for Django's client."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

GREETING, TAKEN = b"", b"."


class MailServer(socketserver.ThreadingTCPServer):
    """``kept`` is what it was given. ``answers`` are replies of its own to a command, the greeting or a message's end;
    one that is empty ends the connection, and ``None`` is none at all.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.kept: list[EmailMessage] = []
        self.answers: dict[bytes, str | None] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        if not self._say(GREETING, "220 mail.example"):
            return
        while command := self.rfile.readline().strip().upper()[:4]:
            if command == b"DATA" and command not in self.server.answers:
                self._say(command, "354 Go on")
                self._keep()
                command = TAKEN
            if not self._say(command, "221 Bye" if command == b"QUIT" else "250 Fine"):
                return

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.kept.append(cast("EmailMessage", message))

    def _say(self, command: bytes, usual: str) -> bool:
        line = self.server.answers.get(command, usual)
        if line:
            self.wfile.write(f"{line}\r\n".encode())
        return line != ""


@contextmanager
def running(port: int = 0) -> Iterator[MailServer]:
    """A mail server that answers, on a port of its own or on ``port``."""
    with MailServer(port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
