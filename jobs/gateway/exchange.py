"""One request that the data plane answers itself, and the answer on its way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from jobs.access.actor import Actor
from jobs.domain.errors import NotAuthenticated
from jobs.domain.problem import ProblemDocument, problem
from jobs.domain.request_id import choose_request_id
from jobs.gateway.answer import ALWAYS, JSON_TYPE, PROBLEM_TYPE, Header, header_lines, new_request_id

Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = dict[bytes, bytes]

BODY_TIMEOUT_S: Final = 30.0
DRAIN_TIMEOUT_S: Final = 5.0
# A client that is still sending does not look at our answer; reading a little more lets most of them see it.
DRAIN_BYTES: Final = 1024 * 1024

_NONE: Final[Mapping[str, Any]] = {}
# What our own server offers: a body that has arrived at once, an answer in one write. Others exchange messages.
WHOLE: Final = "ironforge.whole"
# And who is told when it is to stop.
STOPPING: Final = "ironforge.stopping"
_CLOSE: Final = (b"connection", b"close")


class Whole(Protocol):
    """What the server hands over under `WHOLE`. `loop` is the one that runs the request."""

    loop: asyncio.AbstractEventLoop

    @property
    def is_gone(self) -> bool:
        """Tell whether the connection is lost."""

    def body(self) -> bytes | None:
        """Return the whole body if it has arrived."""

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Send the answer; False: it must be sent in messages."""

    def remember(self, length: int, serve: Callable[[bytes, Any], bool]) -> None:
        """Let `serve` take what comes with the same head and a body of `length` bytes."""


async def _nobody() -> Actor:
    raise NotAuthenticated("Nobody has been asked who this is.")


class Stopping(Protocol):
    """What the server hands over under `STOPPING`."""

    def notify(self, callback: Callable[[], None]) -> None:
        """Call back when the server is to stop, at once if it is by now."""

    def forget(self, callback: Callable[[], None]) -> None:
        """Do not."""


class Refused(Exception):
    """The body cannot be taken; the answer closes the connection, for the rest of the body is never read."""

    def __init__(self, status: int, code: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.document = problem(status, code, detail, retryable=retryable)


class ClientGone(Exception):
    """The client left before its request was whole: there is nobody to answer."""


class Exchange:
    """A request and its one answer."""

    __slots__ = (
        "_is_read",
        "_receive",
        "_send",
        "_whole",
        "admit",
        "headers",
        "prefix",
        "request_id",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, headers: Headers, prefix: str, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.headers = headers
        self.prefix = prefix  # of the address that the client used: "" or "/api/v1", behind the site's base path
        self.status = 0
        # Says who asks, again for a request that takes long: its key may be revoked meanwhile.
        self.admit: Callable[[], Awaitable[Actor]] = _nobody
        offered = headers.get(b"x-request-id")
        self.request_id = choose_request_id(offered.decode("latin-1")) if offered else new_request_id()
        self._whole: Whole | None = scope.get("extensions", _NONE).get(WHOLE)
        self._receive = receive
        self._send = send
        self._is_read = scope["method"] == "GET"

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop; asking asyncio for it costs a system call."""
        return self._whole.loop if self._whole is not None else asyncio.get_running_loop()

    @property
    def peer(self) -> str | None:
        """Return the address of the connection itself."""
        client = self.scope.get("client")
        return client[0] if client else None

    async def body(self, limit_bytes: int) -> bytes:
        """Return the whole body, counted while it comes. Raises Refused (413, 408) or ClientGone."""
        whole = self._whole.body() if self._whole is not None else None
        if whole is not None and len(whole) <= limit_bytes:
            self._is_read = True
            return whole
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                chunk, more = await self._chunk()
                if not more and len(chunk) <= limit_bytes:
                    return chunk
                return await self._rest(chunk, more, limit_bytes)
        except TimeoutError as late:
            raise Refused(408, "body_timeout", "The body did not arrive in time.", retryable=True) from late

    async def _rest(self, chunk: bytes, more: bool, limit_bytes: int) -> bytes:
        whole = bytearray(chunk)
        while len(whole) <= limit_bytes:
            if not more:
                return bytes(whole)
            chunk, more = await self._chunk()
            whole += chunk
        raise Refused(413, "too_large", f"The body is larger than {limit_bytes} bytes.")

    async def _chunk(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGone
        more = bool(message.get("more_body", False))
        self._is_read = not more
        return message.get("body", b""), more

    @property
    def knows_when_gone(self) -> bool:
        """Tell whether `is_gone` says so at any time; else only `until_gone` does."""
        return self._whole is not None

    @property
    def is_gone(self) -> bool:
        """Tell whether the client is known to be gone."""
        return self._whole is not None and self._whole.is_gone

    async def until_gone(self) -> None:
        """Return when the client closes the connection; only after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def when_stopping(self, callback: Callable[[], None]) -> None:
        """Call back when the server is to stop, if it says so."""
        stopping: Stopping | None = self.scope.get("extensions", _NONE).get(STOPPING)
        if stopping is not None:
            stopping.notify(callback)

    def forget_stopping(self, callback: Callable[[], None]) -> None:
        """Do not."""
        stopping: Stopping | None = self.scope.get("extensions", _NONE).get(STOPPING)
        if stopping is not None:
            stopping.forget(callback)

    async def answer(self, status: int, body: bytes, *more: Header) -> None:
        """Send JSON."""
        await self._answer(status, body, JSON_TYPE, more)

    async def answer_nothing(self) -> None:
        """Send 204."""
        self.status = 204
        headers = [(b"x-request-id", self.request_id.encode()), *ALWAYS]
        await self._send({"type": "http.response.start", "status": 204, "headers": headers})
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, document: ProblemDocument, *more: Header) -> None:
        """Send a problem document, whose `request_id` is this request's."""
        if not self._is_read:
            await self._drain()
            more = (*more, _CLOSE) if not self._is_read else more
        await self._answer(document.status, document.named(self.request_id).encode(), PROBLEM_TYPE, more)

    def remember(self, serve: Callable[[bytes, Any], bool]) -> None:
        """Let `serve` take the requests that come with this very head, if the server can tell them."""
        if self._whole is not None:
            self._whole.remember(int(self.headers[b"content-length"]), serve)

    async def _answer(self, status: int, body: bytes, content_type: bytes, more: tuple[Header, ...]) -> None:
        self.status = status
        if self._whole is not None and _CLOSE not in more:
            head = header_lines(content_type, len(body), self.request_id, more)
            if self._whole.answer(status, head, body):
                return
        own = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        headers = [*own, (b"x-request-id", self.request_id.encode()), *more, *ALWAYS]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _drain(self) -> None:
        left = DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while left > 0 and not self._is_read:
                    chunk, _ = await self._chunk()
                    left -= len(chunk)
        except (TimeoutError, ClientGone):
            return
