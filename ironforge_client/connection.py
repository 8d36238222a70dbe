"""Where IronForge answers, and the HTTP library that goes there: the only module that knows it."""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from ironforge_client.errors import ConnectionFailed
from ironforge_client.exchange import Answer, Request, Send
from ironforge_client.trace import current_headers
from ironforge_client.version import __version__

# How long a connection may take to be made; a server that is there answers in milliseconds.
CONNECT_S = 5.0
# httpx2's errors after which the request cannot have reached the server.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
# A line for each request, of which a worker makes many, tells nobody anything; who has set a level keeps it.
_library_log = logging.getLogger("httpx2")
if _library_log.level == logging.NOTSET:
    _library_log.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a server and the key for it. Raises ValueError for an address that is none."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"base_url must be like https://jobs.example.com, not {self.base_url!r}")

    def options(self, connections: int) -> dict[str, Any]:
        """Return the arguments of httpx2's clients."""
        headers = {"User-Agent": f"ironforge-client-python/{__version__}", "Accept": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return {
            "base_url": self.base_url.rstrip("/"),
            "headers": headers,
            "limits": httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            # A proxy set for the Internet does not lead to this machine.
            "trust_env": not _is_loopback(urlsplit(self.base_url).hostname or ""),
            # The key goes to this address and to no other.
            "follow_redirects": False,
        }


class Connection:
    """Sends requests over kept connections; may be used by several threads."""

    def __init__(self, place: Place, connections: int = 100) -> None:
        self._http = httpx2.Client(**place.options(connections))

    def send(self, step: Send) -> Answer:
        """Return the answer. Raises ConnectionFailed."""
        try:
            return _answer(self._http.send(_request(self._http, step)))
        except httpx2.RequestError as error:
            raise _failed(step.request, error) from error

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


class AsyncConnection:
    """The same on an event loop."""

    def __init__(self, place: Place, connections: int = 100) -> None:
        self._http = httpx2.AsyncClient(**place.options(connections))

    async def send(self, step: Send) -> Answer:
        """Return the answer. Raises ConnectionFailed."""
        try:
            return _answer(await self._http.send(_request(self._http, step)))
        except httpx2.RequestError as error:
            raise _failed(step.request, error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def _request(http: httpx2.Client | httpx2.AsyncClient, step: Send) -> httpx2.Request:
    asked = step.request
    timeout = httpx2.Timeout(step.silence_s, connect=min(CONNECT_S, step.silence_s))
    return http.build_request(
        asked.method,
        asked.path,
        params=asked.query or None,
        content=asked.body,
        headers={**current_headers(), **asked.headers},
        timeout=timeout,
    )


def _answer(response: httpx2.Response) -> Answer:
    return Answer(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content
    )


_REMEDY = (
    "Does IronForge run there (`make run`)? "
    "Another place is named by `url`, or by IRONFORGE_URL for `from_environment()`."
)


def _failed(request: Request, error: httpx2.RequestError) -> ConnectionFailed:
    place = f"{error.request.url.scheme}://{error.request.url.netloc.decode('ascii', 'replace')}"
    detail = f"{request.method} {request.path} at {place}: {str(error) or type(error).__name__}"
    is_sent = not isinstance(error, _NEVER_SENT)
    remedy = "" if is_sent else f". {_REMEDY}"
    return ConnectionFailed(f"{detail}{remedy}", is_sent=is_sent)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
