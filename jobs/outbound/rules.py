"""Where the requests of this installation may go, as it is set."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from jobs.domain.address import Address, Network, is_opened, may_reach, networks_of
from jobs.domain.target import Target
from jobs.outbound.resolving import Resolve, UnknownHost, ask_until, resolve


class BlockedAddress(Exception):
    """The host is, or leads to, an address that nothing is sent to. The text does not name the address."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything public may be reached, and the `opened` networks.

    `own_names` are this installation's; one with a dot in front stands for all names below it. They lead to opened
    networks only.
    """

    opened: tuple[Network, ...] = ()
    own_names: frozenset[str] = frozenset({"localhost", ".localhost"})
    ask: Resolve = resolve

    def addresses_of(self, target: Target, until: float) -> Sequence[Address]:
        """Return the addresses of a target, asked for once and not beyond `until` (monotonic s).

        Raises BlockedAddress if one is closed, UnknownHost, or TooSlow.
        """
        is_name = target.address is None
        texts = ask_until(until, self.ask, target.host, target.port) if is_name else [target.host]
        addresses = [ip_address(text) for text in texts]
        if not addresses:
            raise UnknownHost(f"The host {target.host!r} has no address.")
        is_own = self._is_own(target.host)
        for address in addresses:
            if not (is_opened(address, self.opened) if is_own else may_reach(address, self.opened)):
                told = f"The host {target.host!r} is not on the public Internet, or it is this installation."
                raise BlockedAddress(told)
        return addresses

    def may_name(self, target: Target) -> bool:
        """Tell whether a target can be reached as far as it is known without asking for its name."""
        if target.address is not None:
            return may_reach(target.address, self.opened)
        return bool(self.opened) or not self._is_own(target.host)

    def _is_own(self, host: str) -> bool:
        return host in self.own_names or any(name[:1] == "." and host.endswith(name) for name in self.own_names)


def rules_of(opened: Iterable[str], own_hosts: Iterable[str]) -> Rules:
    """Return the rules of the settings: networks, and the host names that the server answers to."""
    own_names = {"localhost", ".localhost", socket.gethostname().lower()}
    own_names |= {name.strip("[]").lower() for name in own_hosts if name != "*"}
    return Rules(networks_of(opened), frozenset(own_names))
