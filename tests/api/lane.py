"""A way into the HTTP interface: an ASGI application on an event loop of its own, asked as a server asks it.

`LANES` names every way that submits, gets and bulk submits; a test marked with `each_lane` runs on all of them.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import quote, unquote

import pytest

from ironforge_site import asgi

Application = Callable[[Any, Any, Any], Awaitable[None]]
Body = dict[str, Any]
Headers = Mapping[str, str]

NOTHING = object()
LONGEST_S = 110.0
_LOCAL = ("127.0.0.1", 50_000)


@dataclass(frozen=True)
class Answer:
    """What came back, and after how long; names of headers in lower case."""

    status: int
    headers: Headers
    raw: bytes
    took_s: float = 0.0

    @property
    def body(self) -> Body:
        """Return the JSON of the body."""
        return cast("Body", json.loads(self.raw))

    @property
    def code(self) -> str:
        """Return the code of a problem document."""
        return str(self.body["code"])

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return pointer and code of each thing that is wrong."""
        return [(error["pointer"], error["code"]) for error in self.body["errors"]]


@dataclass(frozen=True)
class Request:
    """One request. A body that is no bytes is sent as JSON."""

    method: str
    target: str
    body: object = NOTHING
    headers: Headers = field(default_factory=dict)
    peer: tuple[str, int] | None = _LOCAL

    def content(self) -> bytes:
        """Return the bytes of the body."""
        if self.body is NOTHING:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def scope(self) -> dict[str, Any]:
        """Return the request as ASGI describes it."""
        path, _, query = self.target.partition("?")
        headers = {"Host": "localhost:3000", **self.headers}
        if self.body is not NOTHING and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": quote(path, safe="/%").encode(),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": self.peer,
            "server": ("127.0.0.1", 3000),
        }


class Lane:
    """Asks one application. Its loop lives as long as the lane, as that of a server process does."""

    def __init__(self, name: str, application: Application) -> None:
        self.name = name
        self._application = application
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"lane {name}", daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> Answer:
        """Return the answer to one request."""
        return self.ask_all([request])[0]

    def begin(self, request: Request) -> Future[Answer]:
        """Send a request and return its answer to come."""
        return asyncio.run_coroutine_threadsafe(self._ask(request), self._loop)

    def ask_all(self, requests: Sequence[Request], at_once: int = 32) -> list[Answer]:
        """Return the answers in order; up to `at_once` requests are under way at a time."""
        return asyncio.run_coroutine_threadsafe(self._ask_all(requests, at_once), self._loop).result(LONGEST_S)

    def carry_out(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something on the loop."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(LONGEST_S)

    def close(self) -> None:
        """End the loop."""
        asyncio.run_coroutine_threadsafe(self._loop.shutdown_default_executor(), self._loop).result(LONGEST_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LONGEST_S)
        self._loop.close()

    async def _ask_all(self, requests: Sequence[Request], at_once: int) -> list[Answer]:
        turns = asyncio.Semaphore(at_once)

        async def ask(request: Request) -> Answer:
            async with turns:
                return await self._ask(request)

        return await asyncio.gather(*map(ask, requests))

    async def _ask(self, request: Request) -> Answer:
        began_at = time.monotonic()
        answer = await answer_of(self._application, request.scope(), [request.content()])
        return replace(answer, took_s=time.monotonic() - began_at)


async def answer_of(application: Application, scope: dict[str, Any], chunks: Sequence[bytes]) -> Answer:
    """Return what the application answers to a body that comes in pieces; then the client stays connected."""
    waiting = list(chunks)
    sent: list[dict[str, Any]] = []
    stays = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not waiting:
            await stays.wait()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    start, *rest = sent
    assert start["type"] == "http.response.start", sent
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in rest))


# The first is what a server starts with, the second what it is with IRONFORGE_GATEWAY=off.
LANES = {
    "data-plane": cast("Application", asgi.data_plane),
    "control-plane": cast("Application", asgi.control_plane),
}
KNOWN_HEADS = "known-heads"
each_lane = pytest.mark.parametrize("lane", list(LANES), indirect=True)
# Submissions have a third way, below ASGI.
each_submission_lane = pytest.mark.parametrize("lane", [*LANES, KNOWN_HEADS], indirect=True)
known_heads_lane = pytest.mark.parametrize("lane", [KNOWN_HEADS], indirect=True)
