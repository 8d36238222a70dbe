"""From a name to its addresses, in a bounded time: a name server that is silent holds up nobody's deadline."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from jobs.outbound.metered import TooSlow

Resolve = Callable[[str, int], Sequence[str]]
# At a time in one process. One that nobody waits for any more has its place until the resolver gives it up.
MAX_LOOKUPS = 64
_places = threading.BoundedSemaphore(MAX_LOOKUPS)


class UnknownHost(Exception):
    """The name leads nowhere now."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, however long that takes. Raises UnknownHost."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failure:
        raise UnknownHost(f"The host {host!r} cannot be resolved.") from failure
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def ask_until(until: float, ask: Resolve, host: str, port: int) -> Sequence[str]:
    """Return what `ask` says of a name. Raises TooSlow when it has not by `until` (monotonic s), or what it raises."""
    places = _places
    if not places.acquire(timeout=max(0.0, until - time.monotonic())):
        raise TooSlow
    found: Future[Sequence[str]] = Future()
    # A daemon, for `getaddrinfo` cannot be interrupted: no process may wait for it at its end.
    thread = threading.Thread(target=_ask, args=(found, ask, host, port, places), name="ironforge-lookup", daemon=True)
    try:
        thread.start()
    except BaseException:
        places.release()
        raise
    try:
        return found.result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        raise TooSlow from None


def _ask(found: Future[Sequence[str]], ask: Resolve, host: str, port: int, places: threading.BoundedSemaphore) -> None:
    try:
        found.set_result(ask(host, port))
    except BaseException as failure:  # noqa: BLE001 (told to who asked)
        found.set_exception(failure)
    finally:
        places.release()
