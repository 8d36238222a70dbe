"""Open access: a program on the developer's own machine may call the API without a key.

One pure function judges it, for every lane. A browser is on the machine too, and shows pages of strangers: so a request
counts as local only if nothing about it says that it came through a proxy or from a page of another site.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from jobs.access.actor import Actor, ActorKind
from jobs.access.scopes import OPEN_SCOPES
from jobs.domain.naming import DEFAULT_NAMESPACE

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDING = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip", "fly-client-ip"}
)
_FORWARDING_PREFIX = "x-forwarded"
_OWN_FETCHES = frozenset({"same-origin", "none"})

_OPEN_ACTOR = Actor(kind=ActorKind.OPEN, name="local", namespace=DEFAULT_NAMESPACE, scopes=OPEN_SCOPES)


def open_actor(*, is_open: bool, peer: str | None, headers: Mapping[str, str]) -> Actor | None:
    """Return the local actor if open access is on and the request is plainly local, else None: a key is needed.

    `peer` is the address of the connection itself, never one from a header. A request that shows a credential
    is judged by it alone.
    """
    if not is_open or peer is None or not is_loopback(peer):
        return None
    named = {name.lower(): value for name, value in headers.items()}
    host = named.get("host", "")
    if "authorization" in named or _host_name(host) not in _LOCAL_HOSTS:
        return None
    if any(name in _FORWARDING or name.startswith(_FORWARDING_PREFIX) for name in named):
        return None
    if "origin" in named and named["origin"] not in (f"http://{host}", f"https://{host}"):
        return None
    if named.get("sec-fetch-site", "none") not in _OWN_FETCHES:
        return None
    return _OPEN_ACTOR


def is_loopback(host: str) -> bool:
    """Tell whether an address, or the name localhost, can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _host_name(host: str) -> str | None:
    """Return the name in a Host header without its port, None for anything but `name` or `name:port`."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return None
    if parts.netloc != host or "@" in host or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname
