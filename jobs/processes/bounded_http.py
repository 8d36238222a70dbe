"""uvicorn's HTTP protocol with bounds on the head of a request: its size, the number of headers and its time.

httptools itself takes a head of any size. Bodies have their own bounds, in the application.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from jobs.domain.problem import CONTENT_TYPE, problem

HEAD_BYTES: Final = 32 * 1024
HEADERS: Final = 100
HEAD_TIMEOUT_S: Final = 30.0
# The extension of ASGI by which an application takes and gives whole messages; see `Whole`.
WHOLE: Final = "ironforge.whole"

_REASONS: Final = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class _HeadTooLarge(httptools.HttpParserError):
    """The head has passed a bound."""


class Whole:
    """Hands a request's body over at once where it has arrived, and sends a small answer in one write to the socket."""

    __slots__ = ("_cycle", "loop")

    def __init__(self, cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._cycle = cycle

    def body(self) -> bytes | None:
        """Return the whole body if it is here; None: read it in the usual way."""
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        return bytes(cycle.body)

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Send and end the answer; False: send it in the usual way, for the connection is congested or to be closed.

        `head` holds the header lines, each ended by CRLF, `content-length` among them.
        """
        cycle = self._cycle
        if cycle.response_started or cycle.disconnected or not cycle.keep_alive or cycle.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        defaults = [b"%b: %b\r\n" % pair for pair in cycle.default_headers]
        cycle.transport.write(b"".join((STATUS_LINE[status], *defaults, head, b"\r\n", body)))
        cycle.message_event.set()
        cycle.on_response()
        return True


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. A head that passes a bound is answered with 431 or 408 and the connection is closed."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._is_in_head = True
        self._heads = 0
        self._unfinished_bytes = 0
        self._finished_bytes = 0
        self._is_too_large = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then judge what is still no complete head; one header may be longer than any read."""
        was_in_head, heads = self._is_in_head, self._heads
        super().data_received(data)
        if was_in_head and self._heads == heads and not self.transport.is_closing():
            self._unfinished_bytes += len(data)
            if self._unfinished_bytes > HEAD_BYTES:
                self._refuse_large()
            elif self._head_timer is None:
                # Most heads come in one piece and need no timer.
                self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_late)

    def on_message_begin(self) -> None:
        """Begin the bounds of this head."""
        super().on_message_begin()
        self._finished_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header. Raises out of the parser when it is too much."""
        self._finished_bytes += len(name) + len(value) + 4
        if self._finished_bytes + len(self.url) > HEAD_BYTES or len(self.headers) >= HEADERS:
            self._is_too_large = True
            raise _HeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the bounds of this head, and start the application."""
        self._stop_timer()
        self._is_in_head = False
        self._heads += 1
        self._unfinished_bytes = 0
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["extensions"] = {WHOLE: Whole(cycle, self.loop)}  # type: ignore[dict-item]
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._is_in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused; uvicorn calls this for our own bound too."""
        if self._is_too_large:
            self._refuse_large()
        else:
            self._refuse(400, "malformed_request", "This is not a valid HTTP request.")

    def _head_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(408, "head_timeout", f"The request did not arrive within {HEAD_TIMEOUT_S:.0f} s.")

    def _refuse_large(self) -> None:
        self._refuse(431, "head_too_large", f"The headers are larger than {HEAD_BYTES} bytes, or more than {HEADERS}.")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        body = problem(status, code, detail).encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
