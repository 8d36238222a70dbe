"""The socket that the server listens on, and a clear word when it cannot be had."""

from __future__ import annotations

import errno
import socket
from typing import Final

BACKLOG: Final = 2048
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (names, not a bind)


class CannotListen(Exception):
    """The address cannot be listened on; the text is one line that names the way out."""


def listening_socket(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """Return a bound socket; a shared one lets other processes of this user listen too. Raises CannotListen."""
    bare = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            bare or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as unknown:
        raise CannotListen(f"{host} is not an address of this machine: {unknown.strerror}.") from unknown
    bound = socket.socket(family, kind, protocol)
    # A server that ended a moment ago leaves connections behind that are no reason to refuse.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as refused:
        bound.close()
        raise CannotListen(_advice(host, port, refused)) from refused
    return bound


def local_address(host: str) -> str:
    """Return an address at which this machine reaches a server that listens on `host`."""
    bare = host.strip("[]")
    return _ANY.get(bare, bare)


def address_text(host: str, port: int) -> str:
    """Return `host:port` as it stands in a URL; loopback is `localhost`."""
    reachable = local_address(host)
    if reachable in ("127.0.0.1", "::1"):
        reachable = "localhost"
    return f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"


def _advice(host: str, port: int, refused: OSError) -> str:
    if refused.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program. Stop it, or choose another port: make run PORT={port + 100}"
    if refused.errno == errno.EACCES:
        return f"Port {port} needs rights that this user lacks. Choose one above 1023: make run PORT=3000"
    if refused.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them."
    return f"Cannot listen on {host} port {port}: {refused.strerror}."
