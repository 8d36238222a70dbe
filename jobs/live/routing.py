"""The websocket addresses of the site."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

from channels.sessions import CookieMiddleware

from jobs.live.consumer import LiveConsumer
from jobs.live.nowhere import NowhereConsumer

Application = Callable[[Any, Any, Any], Awaitable[None]]

LIVE_PATH = "/console/ws"

_live = cast("Application", LiveConsumer.as_asgi())
_nowhere = cast("Application", NowhereConsumer.as_asgi())


async def _route(scope: dict[str, Any], receive: object, send: object) -> None:
    """Hand a websocket to its consumer; one for an unknown address is refused, where a router would raise."""
    # A server that stops cancels what is still open. That ends a socket, and is no mistake for the log.
    with suppress(asyncio.CancelledError):
        await (_live if scope["path"] == LIVE_PATH else _nowhere)(scope, receive, send)


websocket_application = CookieMiddleware(_route)
