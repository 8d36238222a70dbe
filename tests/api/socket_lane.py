"""A lane over real sockets to our own HTTP protocol, on which the head of every submission is known beforehand.

What a request's head means is remembered as after a submission that was accepted, but without one: so the contract of
a submission can be held against the way below ASGI, with nothing stored before.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from ironforge_site import asgi
from jobs.domain.errors import IronForgeError
from jobs.gateway import credentials
from jobs.gateway.application import Gateway
from jobs.gateway.head import plain_headers
from jobs.gateway.repeated_head import RepeatedHead, is_repeatable
from jobs.processes.bounded_http import BoundedHttpProtocol
from jobs.processes.whole import known_heads
from jobs.services.limit_keys import limit_keys
from tests.api.lane import Answer, Lane, Request

LONGEST_S = 60.0


class SocketLane(Lane):
    """Counts in `direct` the requests that passed by the parser."""

    def __init__(self) -> None:
        self.direct = 0
        self.knows_heads = True
        self._peers: dict[int, tuple[str, int] | None] = {}
        self._gateway = Gateway(asgi.control_plane)
        super().__init__("known-heads", self._gateway)
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(LONGEST_S)

    async def _listen(self) -> None:
        lane = self
        config = uvicorn.Config(
            cast("Any", self._gateway),
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            access_log=False,
            log_config=None,
        )
        config.load()
        state = ServerState()

        class Counted(BoundedHttpProtocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if self.client is not None:
                    self.client = lane._peers.pop(self.client[1], self.client)

            def _serve_directly(self, data: bytes) -> bool:
                is_served = super()._serve_directly(data)
                lane.direct += is_served
                return is_served

        self._server = await self._loop.create_server(lambda: Counted(config, state, {}), "127.0.0.1", 0)

    def close(self) -> None:
        """End the server and the loop."""
        self._loop.call_soon_threadsafe(self._server.close)
        super().close()

    async def _ask(self, request: Request) -> Answer:
        scope, body = request.scope(), request.content()
        pairs = [*scope["headers"], (b"content-length", b"%d" % len(body))]
        if request.method == "GET" and not body:
            pairs.pop()
        lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.target.encode())]
        head = b"\r\n".join([*lines, *(b"%b: %b" % pair for pair in pairs), b"", b""])
        if self.knows_heads:
            await self._remember({**scope, "headers": pairs}, head, body)
        began_at = time.monotonic()
        async with asyncio.timeout(LONGEST_S):
            status, headers, raw = await self._exchange(request.peer, head + body)
        return Answer(status, headers, raw, time.monotonic() - began_at)

    async def _remember(self, scope: dict[str, Any], head: bytes, body: bytes) -> None:
        if scope["method"] != "POST" or scope["path"] not in ("/jobs", "/api/v1/jobs") or scope["query_string"]:
            return
        headers = plain_headers(scope, "submit")
        if headers is None or not is_repeatable(headers):
            return
        try:
            if b"authorization" in headers:
                # A key that was never seen is looked up in the usual way, whatever its head.
                key = credentials.key_text(headers)
                await self._loop.run_in_executor(None, credentials._checked, key)
                # So is what its namespace limits by key, after a while without submissions.
                if (known := credentials.known_key(key)) is not None:
                    await limit_keys().wait_for(known[0].namespace)
            serve = RepeatedHead(headers, scope["path"][: -len("/jobs")], self._gateway._services(self._loop))
        except IronForgeError:
            return
        known_heads.remember(head + body, len(body), serve)

    async def _exchange(self, peer: tuple[str, int] | None, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.bind(("127.0.0.1", 0))
            self._peers[connection.getsockname()[1]] = peer
            await self._loop.sock_connect(connection, self._server.sockets[0].getsockname())
            reader, writer = await asyncio.open_connection(sock=connection)
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            raw = await reader.readexactly(int(headers["content-length"]))
            writer.close()
            await writer.wait_closed()
        return int(first.split(" ")[1]), headers, raw
