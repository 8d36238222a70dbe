"""A small HTTP proxy between a program and the server, which can be told to fail in the ways that networks do."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

_ANSWER_S = 60.0
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date"}
_PROBLEM = {
    "type": "about:blank",
    "title": "Unavailable",
    "status": 503,
    "code": "store_unavailable",
    "detail": "The gate is closed.",
    "retryable": True,
}


class Weather(Enum):
    """How the gate treats requests."""

    FINE = "fine"
    UNAVAILABLE = "unavailable"  # each is answered 503
    CUT = "cut"  # connections end without an answer


@dataclass(frozen=True, slots=True)
class Passage:
    """A request that went through, and its answer; `is_delivered` is False when the answer was lost on purpose."""

    method: str
    path: str
    sent: Any
    status: int
    answered: Any
    is_delivered: bool


@dataclass(frozen=True, slots=True)
class StandIn:
    """What the gate answers in the server's place; with status 0 the connection ends without an answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


UNAVAILABLE = StandIn(
    503, json.dumps(_PROBLEM).encode(), {"Content-Type": "application/problem+json", "Retry-After": "1"}
)


class Gate:
    """Listens on a port of this machine's loopback address while the context lasts."""

    def __init__(self, upstream_url: str) -> None:
        self.shift = timedelta(0)  # added to every time in an answer: a server whose clock differs from the program's
        self.passages: list[Passage] = []
        self.refused = 0  # requests that were answered 503 by the gate itself
        # Asked before each request with its method, path and body; None lets it pass.
        self.stand_in: Callable[[str, str, bytes], StandIn | None] = lambda method, path, body: None
        self._upstream = urlsplit(upstream_url)
        self._weather = Weather.FINE
        self._to_lose: Callable[[Passage], bool] | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        gate = self

        class Handler(_Handler):
            """The handler of this gate."""

            owner = gate

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="gate", daemon=True)

    @property
    def url(self) -> str:
        """Return the address to give to the program."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def weather(self) -> Weather:
        """Return how requests are treated now."""
        return self._weather

    def turn(self, weather: Weather) -> None:
        """Treat requests like that from now on; a cut ends those under way as well."""
        self._weather = weather
        if weather is Weather.CUT:
            with self._lock:
                for connection in self._open:
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def lose_answer(self, fits: Callable[[Passage], bool]) -> None:
        """Let the next request that fits reach the server, and lose its answer."""
        self._to_lose = fits

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to the server itself."""
        kind = http.client.HTTPSConnection if self._upstream.scheme == "https" else http.client.HTTPConnection
        return kind(self._upstream.hostname or "", self._upstream.port, timeout=_ANSWER_S)

    def path_of(self, path: str) -> str:
        """Return the server's path for one of the gate's."""
        return self._upstream.path.rstrip("/") + path

    def note(self, method: str, path: str, sent: bytes, status: int, answered: bytes) -> bool:
        """Remember a request that was answered; tell whether the answer may be delivered."""
        passage = Passage(method, path, _value(sent), status, _value(answered), is_delivered=True)
        with self._lock:
            is_lost = self._to_lose is not None and self._to_lose(passage)
            if is_lost:
                self._to_lose = None
            self.passages.append(replace(passage, is_delivered=not is_lost))
        return not is_lost

    def shifted(self, body: bytes) -> bytes:
        """Return an answer with all its times moved by `shift`."""
        if not self.shift:
            return body
        return _TIME.sub(lambda found: _moved(found.group(), self.shift), body.decode()).encode()

    def enter(self, connection: socket.socket) -> None:
        """Know a connection that a cut must end."""
        with self._lock:
            self._open.add(connection)

    def leave(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(connection)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self.turn(Weather.CUT)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections that end early are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Gate

    def setup(self) -> None:
        """Register the connection."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.owner.enter(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.owner.leave(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name that the library gave it)
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time for the header `Date`."""
        return super().date_time_string(
            (time.time() if timestamp is None else timestamp) + self.owner.shift.total_seconds()
        )

    def pass_on(self) -> None:
        """Treat one request as the weather is."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.owner.weather is Weather.CUT:
            self.close_connection = True
        elif self.owner.weather is Weather.UNAVAILABLE:
            self.owner.refused += 1
            self._answer(UNAVAILABLE.status, UNAVAILABLE.headers, UNAVAILABLE.body)
        elif stand_in := self.owner.stand_in(self.command, self.path, body):
            self.close_connection = not stand_in.status
            if stand_in.status:
                self._answer(stand_in.status, stand_in.headers, stand_in.body)
        else:
            with contextlib.closing(self.owner.connect()) as upstream:
                self._forward(upstream, body)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = pass_on  # noqa: N815 (as the library looks for them)

    def _forward(self, upstream: http.client.HTTPConnection, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        try:
            upstream.request(self.command, self.owner.path_of(self.path), body or None, headers)
            if not self._is_awaited(upstream):
                self.close_connection = True
                return
            found = upstream.getresponse()
            answered = found.read()
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        is_delivered = self.owner.note(self.command, self.path, body, found.status, answered)
        if not is_delivered or self.owner.weather is Weather.CUT:
            self.close_connection = True
            return
        kept = {name: value for name, value in found.getheaders() if name.lower() not in _HOP_BY_HOP}
        self._answer(found.status, kept, self.owner.shifted(answered))

    def _is_awaited(self, upstream: http.client.HTTPConnection) -> bool:
        """Return True when the server answers, False when the program hangs up before."""
        ready, _, _ = select.select([upstream.sock, self.connection], [], [], _ANSWER_S)
        return upstream.sock in ready

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _value(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _moved(text: str, shift: timedelta) -> str:
    moved = datetime.fromisoformat(text) + shift
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")
