"""Our HTTP protocol over a connection that a test holds in its hands, and an application that remembers heads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from jobs.processes import whole
from jobs.processes.bounded_http import BoundedHttpProtocol

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class FakeTransport(asyncio.Transport):
    """Keeps what is written; reads nothing while reading is paused."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 3000)})
        self.written = b""
        self.is_paused = False
        self.protocol: Any = None
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._is_closing, "written to a connection that is closed"
        self.written += data

    def close(self) -> None:
        self._is_closing = True

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Store:
    """Takes bodies. Each is answered when it is released, at once unless the store is held."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.direct = 0
        self.is_held = False
        self._waiting: list[Callable[[], None]] = []

    def begin(self, body: bytes, tell: Callable[[], None]) -> None:
        """Take a body; `tell` is called when it is stored."""
        self.taken.append(body)
        if self.is_held:
            self._waiting.append(tell)
        else:
            asyncio.get_running_loop().call_soon(tell)

    def release(self) -> None:
        """Answer all that wait."""
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell()

    def serve(self, body: bytes, connection: Any) -> bool:
        """Serve a request whose head is known; a body that begins with `bad` is refused in the usual way only."""
        if body.startswith(b"bad"):
            return False
        self.direct += 1
        answer = b"stored " + body
        head = b"content-length: %d\r\n" % len(answer)
        self.begin(body, lambda: connection.answer(202, head, answer))
        return True

    async def application(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Store the body of a POST and ask to see its head again; answer anything else with its method."""
        body = b""
        is_whole = False
        while not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            is_whole = not message.get("more_body")
        status, answer = 200, scope["method"].encode()
        if scope["method"] == "POST":
            status, answer = (422, b"refused") if body.startswith(b"bad") else (202, b"stored " + body)
        if status == 202:
            stored = asyncio.Event()
            self.begin(body, stored.set)
            await stored.wait()
        length = b"%d" % len(answer)
        if not scope["extensions"][whole.WHOLE].answer(status, b"content-length: %b\r\n" % length, answer):
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", length)]})
            await send({"type": "http.response.body", "body": answer})
        declared = dict(scope["headers"]).get(b"content-length")
        if status == 202 and declared is not None:
            scope["extensions"][whole.WHOLE].remember(int(declared), self.serve)


class Client:
    """One connection to a server of its own."""

    def __init__(self, store: Store, *, keep_alive_s: int = 75) -> None:
        self.store = store
        self.state = ServerState()
        config = uvicorn.Config(
            cast("Any", store.application), ws="none", interface="asgi3", proxy_headers=False, log_config=None
        )
        config.timeout_keep_alive = keep_alive_s
        config.load()
        self.transport = FakeTransport()
        self.protocol = BoundedHttpProtocol(config, self.state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.transport)

    async def send(self, *pieces: bytes) -> None:
        """Send pieces; the server gets on with each as far as it can."""
        for piece in pieces:
            if not self.transport.is_closing():
                self.protocol.data_received(piece)
            await turns()

    def answers(self) -> list[tuple[int, bytes]]:
        """Return status and body of each answer, in order."""
        found, rest = [], self.transport.written
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            status = int(head.split(b" ")[1])
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            found.append((status, rest[:length]))
            rest = rest[length:]
        return found

    def leave(self) -> None:
        """End the connection from the other side."""
        self.transport.close()
        self.protocol.connection_lost(None)


async def turns(count: int = 12) -> None:
    """Let the loop get on with what is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def forget_heads() -> None:
    """Begin with no remembered head, as a new server process does."""
    whole.known_heads._heads.clear()


def post(body: bytes, *lines: bytes, version: bytes = b"1.1") -> bytes:
    """Return a submission."""
    head = [b"POST /jobs HTTP/" + version, b"Host: x", *lines, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*head, b"", b""]) + body
