"""A server over a sample application: `python -m tests.processes.sample_server <port> <grace_s>`.

`/` answers at once, `/slow` never; a websocket echoes.
"""

from __future__ import annotations

import asyncio
import logging
import logging.config
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from jobs.processes.listening import CannotListen
from jobs.processes.server import ServerOptions, serve
from jobs.telemetry.logs import configuration


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer one request or one websocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if scope["path"] == "/slow":
        await asyncio.Event().wait()
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    logging.config.dictConfig(configuration("info"))
    try:
        serve(
            ServerOptions("tests.processes.sample_server:application", "127.0.0.1", int(sys.argv[1]), int(sys.argv[2]))
        )
    except CannotListen as busy:
        sys.exit(str(busy))
