"""The HTTP server of one process: uvicorn on an ASGI application, with the bounds that IronForge wants."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from dataclasses import dataclass
from typing import Final

import uvicorn

from jobs.processes.bounded_http import BoundedHttpProtocol
from jobs.processes.listening import address_text, listening_socket
from jobs.telemetry.logs import get_logger, log_event

_WEBSOCKET_MESSAGE_BYTES: Final = 64 * 1024
_WEBSOCKET_QUEUE: Final = 16
_KEEP_ALIVE_S: Final = 75
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
    """Says once that it listens."""

    def __init__(self, config: uvicorn.Config, options: ServerOptions) -> None:
        super().__init__(config)
        self._options = options

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then log it."""
        await super().startup(sockets)
        # What is loaded by now stays: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BEFORE_GC, 20, 20)
        loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
        url = f"http://{address_text(self._options.host, self._options.port)}"
        log_event(_log, "server.started", url=url, host=self._options.host, loop=loop, pid=os.getpid())


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM or SIGINT, then until running requests end or the grace is over. Raises CannotListen."""
    bound = listening_socket(options.host, options.port, is_shared=options.shares_port)
    # uvicorn raises the signal again after its clean end; a clean end is exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        options.application,
        http=BoundedHttpProtocol,
        loop="uvloop",
        ws="websockets-sansio",
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
