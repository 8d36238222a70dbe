"""The HTTP server of one process: uvicorn on an ASGI application, with the bounds that IronForge wants."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import uvicorn

from jobs.processes.bounded_http import BoundedHttpProtocol
from jobs.processes.draining import Draining
from jobs.processes.listening import BACKLOG, address_text, listening_socket
from jobs.processes.quiet_websocket import QuietWebSocketProtocol
from jobs.telemetry.logs import get_logger, log_event

_WEBSOCKET_MESSAGE_BYTES: Final = 64 * 1024
_WEBSOCKET_QUEUE: Final = 16
_KEEP_ALIVE_S: Final = 75
# Of the grace, for the answers of reads that are given up.
_ANSWER_S: Final = 1.0
# Requests make few cycles and many short-lived objects: looking for cycles every 700 objects is a waste.
_OBJECTS_BEFORE_GC: Final = 10_000

_log = get_logger("server")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how to serve."""

    application: str  # "package.module:attribute"
    host: str
    port: int
    grace_s: int  # how long running requests may take after a request to stop
    shares_port: bool = False  # with other processes


class _Server(uvicorn.Server):
    """Says once that it listens, and ends without losing a request that it was sent."""

    def __init__(self, config: uvicorn.Config, options: ServerOptions) -> None:
        super().__init__(config)
        self._options = options
        self._draining: Draining | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then log it."""
        self._draining = self.config.loaded_app = Draining(self.config.loaded_app)
        await super().startup(sockets)
        # What is loaded by now stays: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BEFORE_GC, 20, 20)
        loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
        url = f"http://{address_text(self._options.host, self._options.port)}"
        log_event(_log, "server.started", url=url, host=self._options.host, loop=loop, pid=os.getpid())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse new connections, answer what was sent on the others, and give up reads before the grace is over."""
        loop = asyncio.get_running_loop()
        waiting = self._stop_listening(sockets or [])
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)
        # What the loop itself accepted a moment ago becomes a connection that can be told to end.
        await asyncio.sleep(0)
        if self._draining is not None:
            self._draining.begin()
            left_s = max(self._options.grace_s - _ANSWER_S, self._options.grace_s / 2)
            loop.call_later(left_s, self._draining.give_up)
        await super().shutdown(sockets)

    def _stop_listening(self, listeners: list[socket.socket]) -> list[socket.socket]:
        """Return the connections that stand in the queue: to close the listener alone would reset them."""
        waiting: list[socket.socket] = []
        for listener in listeners:
            with suppress(OSError):  # nobody waits any more
                while len(waiting) < BACKLOG:
                    waiting.append(listener.accept()[0])
        for server in self.servers:
            server.close()
        for connection in waiting:
            connection.setblocking(False)
        return waiting

    def _protocol(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self.config, self.server_state, self.lifespan.state)


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM or SIGINT, then until running requests end or the grace is over. Raises CannotListen."""
    bound = listening_socket(options.host, options.port, is_shared=options.shares_port)
    bound.setblocking(False)
    # uvicorn raises the signal again after its clean end; a clean end is exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        options.application,
        http=BoundedHttpProtocol,
        loop="uvloop",
        ws=QuietWebSocketProtocol,
        ws_max_size=_WEBSOCKET_MESSAGE_BYTES,
        ws_max_queue=_WEBSOCKET_QUEUE,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        # Who is behind a proxy decides for itself (IRONFORGE_BEHIND_TLS); nobody's headers are trusted by default.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=options.grace_s,
    )
    _Server(config, options).run(sockets=[bound])
    log_event(_log, "server.stopped", pid=os.getpid())
