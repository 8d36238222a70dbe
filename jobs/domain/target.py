"""The URL of a receiver: read strictly, for what two programs read differently leads one of them astray."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from jobs.domain.address import Address

MAX_URL = 2_048
# A quote, an angle bracket or a backslash stands in no URL.
_PRINTABLE = re.compile(r"[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_MAX_NAME = 253
_PORT_OF = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1_024
# Services that take a line of HTTP for a line of their own, or that nobody should reach through somebody else.
_SERVICE_PORTS = frozenset(
    {1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5672, 5900, 5984, 6000, 6379, 6380}
    | {6443, 6666, 6667, 9042, 9092, 9200, 9300, 10250, 10255, 11211, 16379, 26379, 27017, 27018}
)


class InvalidTarget(ValueError):
    """A URL to which nothing can be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """`host` is a name in lower case or an address, which then is also in `address`; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """Return host and port as the header `Host` has them."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _PORT_OF[self.scheme] else f"{host}:{self.port}"


def read_target(url: str) -> Target:
    """Return what a URL names. Raises InvalidTarget."""
    if len(url) > MAX_URL:
        raise InvalidTarget(f"A URL has at most {MAX_URL} characters.")
    if not _PRINTABLE.fullmatch(url):
        raise InvalidTarget("A URL is printable ASCII without spaces, quotes and backslashes; escape the rest.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise InvalidTarget("This is no URL.") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORT_OF or not url[len(scheme) :].startswith("://"):
        raise InvalidTarget("A URL starts with https:// or http://.")
    if "@" in parts.netloc:
        raise InvalidTarget("A URL holds no user and no password.")
    if "#" in url:
        raise InvalidTarget("A URL of a receiver has no fragment.")
    address = _address_of(host, is_bracketed="[" in parts.netloc)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return Target(scheme, host.lower().rstrip("."), _checked(port, scheme), target, address)


def _checked(port: int | None, scheme: str) -> int:
    if port is None:
        return _PORT_OF[scheme]
    if port in _PORT_OF.values() or (port >= _FIRST_FREE_PORT and port not in _SERVICE_PORTS):
        return port
    raise InvalidTarget(f"Port {port} is closed: 80, 443, or one from {_FIRST_FREE_PORT} on that no usual service has.")


def _address_of(host: str, *, is_bracketed: bool) -> Address | None:
    """Return the address that a host is; None for a name. Raises InvalidTarget for what is neither."""
    try:
        if is_bracketed:
            address = IPv6Address(host)
            if address.scope_id is not None:
                raise InvalidTarget("An address names no zone.")
            return address
        name = host.removesuffix(".")
        if _NUMBER.fullmatch(name.rpartition(".")[2]):
            # As browsers and libraries read them, `127.1` and `2130706433` are addresses too.
            return IPv4Address(name)
    except ValueError as wrong:
        if isinstance(wrong, InvalidTarget):
            raise
        raise InvalidTarget("An address is written like 192.0.2.1 or [2001:db8::1], and in no other form.") from None
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise InvalidTarget("The host is no name; one with other letters is written in its ASCII form, xn--….")
    return None
