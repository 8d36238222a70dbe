"""From a name to its addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

Resolve = Callable[[str, int], Sequence[str]]


class UnknownHost(Exception):
    """The name leads nowhere now."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises UnknownHost."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failure:
        raise UnknownHost(f"The host {host!r} cannot be resolved.") from failure
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
