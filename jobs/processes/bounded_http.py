"""uvicorn's HTTP protocol with bounds on the head of a request: its size, the number of headers and its time.

httptools itself takes a head of any size. Bodies have their own bounds, in the application. Requests with a head that
an application has asked to see again pass by parser and ASGI; see `known_heads`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from jobs.domain.guard_headers import GUARD_HEADERS
from jobs.domain.problem import CONTENT_TYPE, problem
from jobs.processes.draining import STOPPING
from jobs.processes.whole import WHOLE, Whole, known_heads

HEAD_BYTES: Final = 32 * 1024
HEADERS: Final = 100
HEAD_TIMEOUT_S: Final = 30.0
# How long a server that ends listens on a quiet connection: a request that is on its way gets its answer.
LINGER_S: Final = 1.0

_RETRY: Final = {503: "retry-after: 1\r\n"}
_GUARDS: Final = "".join(f"{name}: {value}\r\n" for name, value in GUARD_HEADERS)
_REASONS: Final = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class _HeadTooLarge(httptools.HttpParserError):
    """The head has passed a bound."""


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
        # The parser has come from one part of a message to the next since bytes last arrived, or has met its body.
        self._has_moved = False
        self._unfinished_bytes = 0
        self._finished_bytes = 0
        self._is_too_large = False
        self._head_timer: asyncio.TimerHandle | None = None
        # The parser has seen all of the last message and nothing of the next.
        self._is_between = True
        # Somebody asked for another protocol; from then on the parser skips bodies, and nothing means what it did.
        self._has_upgrade = False
        # What came at once with the start of a request; empty for one that came in several pieces or behind another.
        self._piece = b""
        # A request that passes by the parser is under way; what comes behind it waits.
        self._is_direct = False
        self._held = b""
        self._is_ending = False
        self._linger_timer: asyncio.TimerHandle | None = None
        self._active_at = 0.0
        self._date: list[tuple[bytes, bytes]] = []
        self._date_lines = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timer()
        self._stop_keep_alive()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Serve what is known at once. Parse all else, then judge what is still no complete head."""
        self._active_at = self.loop.time()
        if self._is_direct or self._held:
            self._held += data
            self.flow.pause_reading()
            return
        if self._is_between and not self._has_upgrade:
            if self._serve_directly(data):
                return
            self._piece = data
        self._has_moved = False
        super().data_received(data)
        self._piece = b""
        if not self._has_moved and not self.transport.is_closing():
            self._unfinished_bytes += len(data)
            # One header, or what stands behind a body in chunks, may be longer than any read.
            if self._unfinished_bytes > HEAD_BYTES:
                self._refuse_large()
            elif self._is_in_head and self._head_timer is None:
                # Most heads come in one piece and need no timer.
                self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_late)

    def _serve_directly(self, data: bytes) -> bool:
        known = known_heads.find(data)
        if known is None or self.flow.write_paused or not self._is_answered():
            return False
        serve, body = known
        self._is_direct = True
        if not serve(body, self):
            self._is_direct = False
            return False
        self._stop_timer()
        self._unfinished_bytes = 0
        return True

    def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Answer the request that passed by the parser. `head` holds header lines, each ended by CRLF."""
        self._is_direct = False
        if self.transport.is_closing():
            return
        if self._is_ending:
            self.write_answer(status, head + b"connection: close\r\n", body)
            self.transport.close()
            return
        self.write_answer(status, head, body)
        self.on_response_complete()
        if self._held:
            # Not at once: others wait behind for their answers of the same store call.
            self.loop.call_soon(self._take_held)

    def _take_held(self) -> None:
        held, self._held = self._held, b""
        if not self.transport.is_closing():
            self.data_received(held)

    def write_answer(self, status: int, head: bytes, body: bytes) -> None:
        """Write a whole answer to the socket."""
        defaults = self.server_state.default_headers
        if defaults is not self._date:
            # The server makes a new list each second.
            self._date, self._date_lines = defaults, b"".join([b"%b: %b\r\n" % pair for pair in defaults])
        self.transport.write(b"".join((STATUS_LINE[status], self._date_lines, head, b"\r\n", body)))

    def shutdown(self) -> None:
        """End the connection with the answer under way or the next one, or when nothing comes for a moment."""
        self._is_ending = True
        if not self._is_answered():
            _end_after(self.cycle)
        self._active_at = self.loop.time()
        self._linger()

    def _linger(self) -> None:
        self._linger_timer = None
        if self.transport.is_closing():
            return
        linger_s = min(LINGER_S, (self.config.timeout_graceful_shutdown or 0) / 2)
        left_s = self._active_at + linger_s - self.loop.time()
        if left_s > 0 or self._is_direct or not self._is_answered():
            self._linger_timer = self.loop.call_later(left_s if left_s > 0 else linger_s, self._linger)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with the next request. The timer of an idle connection is set once and not for each answer."""
        self.server_state.total_requests += 1
        self._active_at = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.timeout_keep_alive_task is None:
            self._expect_within(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for the time that it may be."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        # A head that is under way has a timer of its own.
        is_busy = self._is_direct or self._head_timer is not None or not self._is_answered()
        left_s = self._active_at + self.timeout_keep_alive - self.loop.time()
        if is_busy or left_s > 0:
            self._expect_within(self.timeout_keep_alive if is_busy else left_s)
        else:
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, unless the server ends and nobody would close it."""
        if self._is_ending:
            self._refuse(503, "stopping", STOPPING)
            return
        self._stop_keep_alive()
        super().handle_websocket_upgrade()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_within(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: it looks when it rings how long nothing happened."""

    def _stop_keep_alive(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def on_message_begin(self) -> None:
        """Begin the bounds of this head."""
        super().on_message_begin()
        self._is_between = False
        self._finished_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header. Raises out of the parser when it is too much."""
        self._finished_bytes += len(name) + len(value) + 4
        if self._finished_bytes + len(self.url) > HEAD_BYTES or len(self.headers) >= HEADERS:
            self._is_too_large = True
            raise _HeadTooLarge
        # What stands behind a body in chunks is judged by no proxy, so it is no header of the request.
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the bounds of this head, and start the application."""
        self._stop_timer()
        self._is_in_head = False
        self._has_moved = True
        self._unfinished_bytes = 0
        if self.parser.should_upgrade():
            self._has_upgrade, self._piece = True, b""
        super().on_headers_complete()
        if self._is_ending and self.cycle is not None:
            _end_after(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, which the application counts."""
        self._has_moved = True
        self._unfinished_bytes = 0
        super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["extensions"] = {WHOLE: Whole(self, cycle, self._piece)}  # type: ignore[dict-item]
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._is_in_head = self._is_between = self._has_moved = True
        self._unfinished_bytes = 0
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
        body = problem(status, code, detail, retryable=status in _RETRY).encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
            f"{_GUARDS}{_RETRY.get(status, '')}connection: close\r\n\r\n"
        )
        # An answer that has begun is only cut off: a second one in its middle would be taken for a part of it.
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _end_after(cycle: RequestResponseCycle) -> None:
    # An answer that has begun cannot say so any more: the connection lingers behind it.
    if not cycle.response_started:
        cycle.keep_alive = False
