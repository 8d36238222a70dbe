"""Whether a websocket was opened by one of our own pages: browsers let any site open one, with our cookies."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def is_own_origin(origin: str | None, host: str | None, trusted: Sequence[str] = ()) -> bool:
    """Tell whether `origin` names the host that was asked, or is trusted by the settings.

    The scheme does not matter: a proxy may have taken the TLS off. The port does, where either names one that is
    not its scheme's own. No ALLOWED_HOSTS is asked, so that `*` there opens nothing here.
    """
    if not origin or not host or origin == "null":
        return False
    if origin.lower() in {address.lower().rstrip("/") for address in trusted}:
        return True
    theirs = _place(origin)
    ours = _place(f"{urlsplit(origin).scheme}://{host}") if theirs else None
    return theirs is not None and theirs == ours


def scheme_of(origin: str) -> str:
    """Return the scheme by which a browser reaches us, by an origin that was found to be ours.

    Only the browser knows it: a proxy that took the TLS off speaks plain HTTP to us.
    """
    return "https" if origin.lower().startswith("https:") else "http"


def _place(origin: str) -> tuple[str, int] | None:
    """Return name and port of an origin; None for what is not plainly one."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return parts.hostname.lower(), port or default
