"""Which addresses requests may be sent to that others ask for: those of the public Internet, and what is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Not `is_global`: what the standard library counts as such has changed between its versions.
_CLOSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
# All that is routed lies in it. Mapped, compatible, translated and local addresses lie outside and are closed.
_GLOBAL_V6 = IPv6Network("2000::/3")
# Protocols of their own, Teredo among them; documentation; 6to4; documentation again.
_CLOSED_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public Internet, and none that stands for another address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _CLOSED_V6)


def is_opened(address: Address, opened: Sequence[Network]) -> bool:
    """Tell whether an address lies in a network that was opened on purpose."""
    return any(address.version == network.version and address in network for network in opened)


def may_reach(address: Address, opened: Sequence[Network]) -> bool:
    """Tell whether a request may be sent to an address."""
    return is_opened(address, opened) or is_public(address)


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks as they are written, such as `10.0.0.0/8`. Raises ValueError for what is none."""
    return tuple(ip_network(text) for text in texts)
