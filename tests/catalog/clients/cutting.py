"""A forward proxy that breaks off what the object store sends after so many bytes, as a bad line does."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_CHUNK = 1 << 16


@dataclass
class Cutter:
    """Where the proxy listens, the host that it spares, and how often it broke off."""

    spared: str
    most: int
    address: str = ""
    cuts: int = 0
    links: list[str] = field(default_factory=list)


@contextlib.contextmanager
def cutting(*, spared: str, most: int) -> Iterator[Cutter]:
    """Run the proxy: of every answer but those of ``spared`` at most ``most`` bytes come through."""
    cutter = Cutter(urlsplit(spared).netloc, most)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            _relay(self.rfile.readline().decode(), self.rfile, self.connection, cutter)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        cutter.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield cutter
        server.shutdown()


def _relay(request: str, rest: Iterator[bytes], client: socket.socket, cutter: Cutter) -> None:
    method, url, version = request.split()
    parts = urlsplit(url)
    head = [f"{method} {parts.path}{'?' if parts.query else ''}{parts.query} {version}\r\n".encode()]
    for line in rest:
        if line == b"\r\n":
            break
        if not line.lower().startswith((b"connection:", b"proxy-connection:")):
            head.append(line)
    with socket.create_connection((str(parts.hostname), parts.port or 80)) as server:
        server.sendall(b"".join([*head, b"Connection: close\r\n\r\n"]))
        answer = b""
        while b"\r\n\r\n" not in answer and (chunk := server.recv(_CHUNK)):
            answer += chunk
        header, _, body = answer.partition(b"\r\n\r\n")
        client.sendall(header + b"\r\n\r\n")
        if parts.netloc == cutter.spared:
            left = None
        else:
            left = cutter.most
            cutter.links.append(url)
        while body:
            passed = body if left is None else body[:left]
            client.sendall(passed)
            if left is not None:
                left -= len(passed)
                if len(passed) < len(body) or (left == 0 and server.recv(1)):
                    cutter.cuts += 1
                    return
            body = server.recv(_CHUNK)
