"""The path under which a proxy offers the site: taken off each address before anybody looks at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[Any, Any, Any], Awaitable[None]]


class BasePath:
    """Serves an application under `base`, like `/forge`, and at the root too, where probes ask and some proxies lead.

    The application sees addresses without it, and it itself as the scope's `root_path`, for the addresses it tells.
    """

    def __init__(self, application: Application, base: str) -> None:
        self._application = application
        self._base = base
        self._start = f"{base}/"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or one websocket."""
        if scope["type"] in ("http", "websocket"):
            path = scope["path"]
            if path == self._base or path.startswith(self._start):
                path = path[len(self._base) :] or "/"
            scope = {**scope, "path": path, "root_path": self._base}
        await self._application(scope, receive, send)


class WholePath:
    """Gives Django the address as a whole: it takes `FORCE_SCRIPT_NAME` off itself, and shows the whole to people."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        base = scope.get("root_path", "")
        await self._application({**scope, "path": base + scope["path"]} if base else scope, receive, send)
