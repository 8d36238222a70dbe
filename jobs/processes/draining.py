"""The application of a server that is to end: not ready for new work, and no read waits longer than the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from jobs.conf import conf
from jobs.domain.guard_headers import GUARD_HEADERS
from jobs.domain.problem import CONTENT_TYPE, problem

STOPPING: Final = "This server stops now; another one answers."
# Under this name of a scope's `extensions` a request is told when the server is to stop.
_EXTENSION: Final = "ironforge.stopping"
_READY_PATH: Final = "/health/ready"
_READS: Final = ("GET", "HEAD")


class Draining:
    """Wraps an ASGI application. A read may be asked again, so it is answered with 503 where its time is over."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._is_draining = False
        self._is_over = False
        self._reads: set[asyncio.Task[Any]] = set()
        self._waiting: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """Tell load balancers that this server is not ready any more, and whoever waits for work that none comes."""
        self._is_draining = True
        for callback in tuple(self._waiting):
            callback()

    def notify(self, callback: Callable[[], None]) -> None:
        """Call back when the server is to stop, at once if it is by now."""
        self._waiting.add(callback)
        if self._is_draining:
            callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """Do not."""
        self._waiting.discard(callback)

    def give_up(self) -> None:
        """Answer all reads that wait, as 503 with `Retry-After`; what may have changed something goes on."""
        self._is_over = True
        for task in tuple(self._reads):
            task.cancel()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or one websocket."""
        if scope["type"] == "http":
            scope.setdefault("extensions", {})[_EXTENSION] = self
        if scope["type"] != "http" or scope["method"] not in _READS:
            await self._application(scope, receive, send)
        elif self._is_draining and scope["path"].removeprefix(conf().base_path) == _READY_PATH:
            await _refuse(send)
        else:
            await self._read(scope, receive, send)

    async def _read(self, scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: this runs on a loop)
        answer = _Answer(send)
        self._reads.add(task)
        try:
            await self._application(scope, receive, answer.send)
        except asyncio.CancelledError:
            if not self._is_over or answer.has_begun:
                raise
            answer.is_closed = True
            await _refuse(send)
        finally:
            self._reads.discard(task)


class _Answer:
    """Passes an answer on, unless another was given in its place: what was cut off may go on in a thread."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.has_begun = False
        self.is_closed = False

    async def send(self, message: Any) -> None:
        if not self.is_closed:
            self.has_begun = True
            await self._send(message)


async def _refuse(send: Any) -> None:
    body = problem(503, "stopping", STOPPING, retryable=True).encode()
    headers = {
        "content-type": CONTENT_TYPE,
        "content-length": str(len(body)),
        "retry-after": "1",
        **dict(GUARD_HEADERS),
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
