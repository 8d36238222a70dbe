"""How a process that serves many namespaces reaches their shards: by few connections, and with slots that all share."""

from __future__ import annotations

import logging
import zlib

from jobs import wiring
from workers.parking import Parking
from workers.room import Room
from workers.shared_room import SharedRoom
from workers.store_link import ChannelLink, StoreChannel, StoreWatch

# Where writes wait for replicas, nobody should stand behind the waits of all others.
CHANNELS_WITH_REPLICAS = 8


class _BorrowedLink(ChannelLink):
    """A way over a connection that others use too."""

    def close(self) -> None:
        """Leave the connection to the others."""


class SharedWays:
    """The connections of all namespaces of a process: one, but in a Cluster one for each shard that was asked."""

    def __init__(self, namespace: str, watch: StoreWatch, logger: logging.Logger) -> None:
        """`namespace` is any of them."""
        self.room = SharedRoom()
        self._watch = watch
        self._channels: dict[int, StoreChannel] = {}
        # No claim ever stands there.
        self._parking = Parking(wiring.wake(namespace), (), logger)

    def of(self, namespace: str) -> NamespaceWays:
        """Return the ways of one namespace."""
        return NamespaceWays(self, namespace)

    def link(self, namespace: str, shard: int) -> ChannelLink:
        """Return the way to a shard of a namespace."""
        if wiring.is_cluster():
            return ChannelLink(wiring.channel("claims", namespace, shard), self._watch)
        key = zlib.crc32(f"{namespace}/{shard}".encode()) % (CHANNELS_WITH_REPLICAS if wiring.replicas() else 1)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = wiring.channel("claims", namespace, shard)
        return _BorrowedLink(channel, self._watch)

    def parking(self) -> Parking:
        """Return where no claim stands."""
        return self._parking

    def close(self) -> None:
        """Give all connections back."""
        for channel in self._channels.values():
            channel.close()
        self._parking.close()


class NamespaceWays:
    """Follows `workers.ways.Ways`."""

    def __init__(self, shared: SharedWays, namespace: str) -> None:
        self._shared = shared
        self._namespace = namespace
        self._room = shared.room.seat(namespace)

    @property
    def room(self) -> Room:
        """Return the namespace's seat."""
        return self._room

    def link(self, shard: int) -> ChannelLink:
        """Return the way of claims and outcomes."""
        return self._shared.link(self._namespace, shard)

    def parking(self, shard: int) -> Parking:
        """Return where no claim stands."""
        return self._shared.parking()
