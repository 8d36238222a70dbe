"""A receiver on a loopback address that answers as it is told, byte by byte, and remembers what it was sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
Reply = Callable[["Received", socket.socket], None]


@dataclass(frozen=True)
class Received:
    """A request; names of headers in lower case."""

    head: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes one request a connection. `answers` are used up in turn, the last one stays."""

    sock: socket.socket
    answers: list[bytes | Reply] = field(default_factory=lambda: [OK])
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.port = int(self.sock.getsockname()[1])

    @property
    def url(self) -> str:
        """Return its address as a URL."""
        return f"http://127.0.0.1:{self.port}/hook"

    def serve(self) -> None:
        """Answer until it is closed."""
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with (
            suppress(OSError),
            self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as stream,
        ):
            self._converse(stream)

    def _converse(self, connection: socket.socket) -> None:
        received = _read(connection)
        self.requests.append(received)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, bytes):
            connection.sendall(answer)
        else:
            answer(received, connection)


def drip(part: bytes, pause_s: float = 0.02) -> Reply:
    """Return an answer that never ends: the part again and again, slowly."""

    def reply(_: Received, connection: socket.socket) -> None:
        pause = threading.Event()
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(part)
            pause.wait(pause_s)

    return reply


def json_answer(status: str, body: bytes, *headers: str) -> bytes:
    """Return an answer with a JSON body."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@contextmanager
def receiver(*answers: bytes | Reply, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as sock:
        made = Receiver(sock, list(answers) or [OK], tls=tls)
        thread = threading.Thread(target=made.serve, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _read(connection: socket.socket) -> Received:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            raise OSError("no request")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        part = connection.recv(65_536)
        if not part:  # who sent it is dead
            raise OSError("no whole request")
        body += part
    return Received(first, headers, body)
