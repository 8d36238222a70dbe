"""A relay on loopback between a client and a store: it forwards, falls silent, loses replies or answers by itself."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 1 << 16


class Relay:
    """Forwards bytes, until it is told otherwise.

    `is_silent`: swallows what clients send and never answers. `refusal`: answers every script with this line.
    `pause_s`: rests so long after each part of a request, whose sender then waits with full buffers.
    `lose_replies(n)`: lets the next n requests through, and cuts their connections in place of the reply.
    """

    def __init__(self, upstream_port: int) -> None:
        self.is_silent = False
        self.refusal: bytes | None = None
        self.pause_s = 0.0
        self.connections = 0
        self.scripts = 0
        self.swallowed = threading.Event()
        self._upstream_port = upstream_port
        self._to_lose = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._is_closed = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        # Little lies on the way, so that a slow reader is felt at once.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
        self.port: int = self._listener.getsockname()[1]
        self._begin(self._accept)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def lose_replies(self, number: int) -> None:
        """Cut the connection in place of each of the next `number` replies to a script."""
        self._to_lose = number

    def close(self) -> None:
        """Cut everything and end all threads."""
        self._is_closed.set()
        for each in [self._listener, *self._open]:
            cut(each)
        for thread in self._threads:
            thread.join()

    def _begin(self, target: object, *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            store = socket.create_connection((HOST, self._upstream_port))
            self._open += [client, store]
            self._begin(self._carry, client, store)

    def _carry(self, client: socket.socket, store: socket.socket) -> None:
        """Carry requests one by one: a client of a request-response protocol waits for its answer."""
        self._begin(self._answer, store, client)
        while request := received(client):
            if self.pause_s:
                self._is_closed.wait(self.pause_s)
            is_script = b"EVAL" in request
            self.scripts += is_script
            if self.is_silent:
                self.swallowed.set()
            elif is_script and self.refusal is not None:
                sent(client, self.refusal + b"\r\n")
            elif is_script and self._to_lose:
                self._to_lose -= 1
                self._ask_alone(request)
                break
            else:
                sent(store, request)
        cut(client)
        cut(store)

    def _ask_alone(self, request: bytes) -> None:
        """Let the store carry a request out, and keep the reply from everybody."""
        with socket.create_connection((HOST, self._upstream_port)) as store:
            store.sendall(request)
            store.recv(CHUNK)

    def _answer(self, store: socket.socket, client: socket.socket) -> None:
        while reply := received(store):
            sent(client, reply)
        cut(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def received(end: socket.socket) -> bytes:
    """Return what came, nothing at the end."""
    try:
        return end.recv(CHUNK)
    except OSError:
        return b""


def sent(end: socket.socket, data: bytes) -> None:
    """Send on, or cut what takes nothing any more."""
    try:
        end.sendall(data)
    except OSError:
        cut(end)


def cut(end: socket.socket) -> None:
    """End both ways of a connection."""
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        end.close()
