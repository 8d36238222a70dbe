"""One request that the data plane answers itself, and the answer on its way out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from jobs.domain.problem import CONTENT_TYPE, ProblemDocument, problem
from jobs.domain.request_id import choose_request_id

Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = dict[bytes, bytes]

_chance = random.Random()

BODY_TIMEOUT_S: Final = 30.0
DRAIN_TIMEOUT_S: Final = 5.0
# A client that is still sending does not look at our answer; reading a little more lets most of them see it.
DRAIN_BYTES: Final = 1024 * 1024

# As the pages have them; of the content policy only what concerns an answer that no browser shows as a page.
_ALWAYS: Final = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_ALWAYS_LINES: Final = b"".join(b"%b: %b\r\n" % pair for pair in _ALWAYS)
_NONE: Final[Mapping[str, Any]] = {}
# What our own server offers: a body that has arrived at once, an answer in one write. Others exchange messages.
WHOLE: Final = "ironforge.whole"
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", CONTENT_TYPE.encode())
_CLOSE: Final = (b"connection", b"close")


class Whole(Protocol):
    """What the server hands over under `WHOLE`. `loop` is the one that runs the request."""

    loop: asyncio.AbstractEventLoop

    def body(self) -> bytes | None:
        """Return the whole body if it has arrived."""

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Send the answer; False: it must be sent in messages."""


class Refused(Exception):
    """The body cannot be taken; the answer closes the connection, for the rest of the body is never read."""

    def __init__(self, status: int, code: str, detail: str, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.document = problem(status, code, detail, retryable=retryable)


class ClientGone(Exception):
    """The client left before its request was whole: there is nobody to answer."""


class Exchange:
    """A request and its one answer."""

    __slots__ = ("_is_read", "_receive", "_send", "_whole", "headers", "prefix", "request_id", "scope", "status")

    def __init__(self, scope: Scope, headers: Headers, prefix: str, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.headers = headers
        self.prefix = prefix  # of the address that the client used: "" or "/api/v1"
        self.status = 0
        offered = headers.get(b"x-request-id")
        self.request_id = choose_request_id(offered.decode("latin-1")) if offered else f"{_chance.getrandbits(96):024x}"
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

    async def answer(self, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
        """Send JSON."""
        await self._answer(status, body, _JSON, more)

    async def refuse(self, document: ProblemDocument, *more: tuple[bytes, bytes]) -> None:
        """Send a problem document, whose `request_id` is this request's."""
        if not self._is_read:
            await self._drain()
            more = (*more, _CLOSE) if not self._is_read else more
        await self._answer(document.status, document.named(self.request_id).encode(), _PROBLEM, more)

    async def _answer(
        self, status: int, body: bytes, content_type: tuple[bytes, bytes], more: tuple[tuple[bytes, bytes], ...]
    ) -> None:
        self.status = status
        length = (b"content-length", b"%d" % len(body))
        headers = [content_type, length, (b"x-request-id", self.request_id.encode()), *more]
        if self._whole is not None and _CLOSE not in more:
            head = b"".join([b"%b: %b\r\n" % pair for pair in headers]) + _ALWAYS_LINES
            if self._whole.answer(status, head, body):
                return
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *_ALWAYS]})
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
