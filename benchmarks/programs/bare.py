"""The limit of IronForge's server: the same server in front of an application that stores nothing.

It reads the body and answers what a submission is answered, so what remains is the cost of HTTP.
`python bare.py <port>` serves it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
_ID = "01936c3e-0000-7000-8000-000000000000"
_BODY = b'{"id":"%s","status":"queued","created_at":"2026-01-01T00:00:00.000Z"}' % _ID.encode()
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"location", f"/jobs/{_ID}".encode()),
]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer any request alike."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


def main(port: int) -> None:
    """Serve with IronForge's own server, whatever further options it has by then at their defaults."""
    import django  # noqa: PLC0415

    django.setup()
    from jobs.processes.server import ServerOptions, serve  # noqa: PLC0415

    given = {"application": "bare:application", "host": "127.0.0.1", "port": port, "grace_s": 1}
    required = {field.name for field in dataclasses.fields(ServerOptions) if field.default is dataclasses.MISSING}
    defaults: dict[str, Any] = {"workers": 1}
    options = {name: given[name] if name in given else defaults[name] for name in required}
    serve(ServerOptions(**options))


if __name__ == "__main__":
    main(int(sys.argv[1]))
