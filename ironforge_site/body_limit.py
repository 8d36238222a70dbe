"""Refuses a body that is too large, too slow or compressed while it is being read, before Django has buffered it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ironforge_site.security_headers import ALWAYS
from jobs.domain.problem import CONTENT_TYPE, ProblemDocument, problem
from jobs.domain.request_id import choose_request_id

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MEBIBYTE = 1024 * 1024
BULK_PATHS = frozenset({"/jobs/bulk", "/api/v1/jobs/bulk", "/workflows", "/api/v1/workflows"})

# A client that is still sending does not look at our answer; reading a little more lets most of them see it.
_DRAIN_BYTES = MEBIBYTE
_DRAIN_S = 5.0


class BodyLimit:
    """An ASGI application that stands before another one and guards the bodies of its requests."""

    def __init__(
        self,
        application: Application,
        *,
        limit_bytes: int = MEBIBYTE,
        bulk_limit_bytes: int = 16 * MEBIBYTE,
        body_timeout_s: float = 30.0,
    ) -> None:
        self._application = application
        self._limit_bytes = limit_bytes
        self._bulk_limit_bytes = bulk_limit_bytes
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413, 408 or 415 as a problem document."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        limit_bytes = self._bulk_limit_bytes if scope["path"] in BULK_PATHS else self._limit_bytes
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding not in (b"", b"identity"):
            refusal = problem(415, "unsupported_encoding", "Content-Encoding is refused: send the body plain.")
            await _refuse(scope, receive, send, refusal)
            return
        if _declared_bytes(headers) > limit_bytes:
            await _refuse(scope, receive, send, _too_large(limit_bytes))
            return
        guarded = _GuardedExchange(receive, send, limit_bytes, self._body_timeout_s)
        await self._application(scope, guarded.receive, guarded.send)
        if guarded.refusal is not None:
            await _refuse(scope, receive, send, guarded.refusal, is_read=guarded.is_read)


class _GuardedExchange:
    """Counts what is read. What must be refused looks to the application like a client that has gone away.

    An exception would leave open what the application has buffered so far. It may still answer when its client is
    gone; nobody gets that answer, for the refusal is the only one.
    """

    def __init__(self, receive: Receive, send: Send, limit_bytes: int, timeout_s: float) -> None:
        self.refusal: ProblemDocument | None = None
        self.is_read = False
        self._receive = receive
        self._send = send
        self._limit_bytes = limit_bytes
        self._timeout_s = timeout_s
        self._deadline: float | None = None
        self._seen_bytes = 0

    async def receive(self) -> Message:
        """Return the next message, or a disconnect once the body was refused."""
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        if self.is_read:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self._timeout_s
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._deadline - now))
        except TimeoutError:
            self.refusal = problem(408, "body_timeout", "The body did not arrive in time.", retryable=True)
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._seen_bytes += len(message.get("body", b""))
            self.is_read = not message.get("more_body", False)
            if self._seen_bytes > self._limit_bytes:
                self.refusal = _too_large(self._limit_bytes)
                return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """Pass an answer on, unless the body was refused."""
        if self.refusal is None:
            await self._send(message)


def _declared_bytes(headers: dict[bytes, bytes]) -> int:
    """Return the Content-Length; 0 for none or a false one, which then the counting judges."""
    declared = headers.get(b"content-length", b"").strip()
    return int(declared[:20]) if declared.isdigit() else 0


def _too_large(limit_bytes: int) -> ProblemDocument:
    return problem(413, "too_large", f"The body is larger than {limit_bytes} bytes.")


async def _refuse(
    scope: Scope, receive: Receive, send: Send, refusal: ProblemDocument, *, is_read: bool = False
) -> None:
    # After the last piece of a body there is only the client's going away to wait for; and who was too slow is.
    if not is_read and refusal.status != 408:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_drain(receive), _DRAIN_S)
    await _send_problem(scope, send, refusal)


async def _drain(receive: Receive) -> None:
    left = _DRAIN_BYTES
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))


async def _send_problem(scope: Scope, send: Send, refusal: ProblemDocument) -> None:
    offered = next((value for name, value in scope["headers"] if name.lower() == b"x-request-id"), b"")
    request_id = choose_request_id(offered.decode("latin-1"))
    body = _named(refusal, request_id).encode()
    headers = {
        **ALWAYS,
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Request-ID": request_id,
        # What is left of the body must not be taken for the next request.
        "Connection": "close",
    }
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _named(refusal: ProblemDocument, request_id: str) -> ProblemDocument:
    return problem(refusal.status, refusal.code, refusal.detail, request_id=request_id, retryable=refusal.retryable)
