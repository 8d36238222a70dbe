"""How the claims and outcomes of one namespace reach its shards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from jobs import wiring
from workers.parking import Parking
from workers.room import Room
from workers.store_link import ChannelLink, StoreWatch


class Ways(Protocol):
    """Connections, and who divides the free slots of the process."""

    @property
    def room(self) -> Room:
        """Return who divides the slots."""

    def link(self, shard: int) -> ChannelLink:
        """Return the way of claims and outcomes."""

    def parking(self, shard: int) -> Parking:
        """Return where claims may stand."""


class OwnWays:
    """Connections of the namespace's own, two for each shard."""

    def __init__(self, namespace: str, queues: Sequence[str], watch: StoreWatch, logger: logging.Logger) -> None:
        self.room = Room()
        self._namespace = namespace
        self._queues = queues
        self._watch = watch
        self._logger = logger

    def link(self, shard: int) -> ChannelLink:
        """Return a new connection."""
        return ChannelLink(wiring.channel("claims", self._namespace, shard), self._watch)

    def parking(self, shard: int) -> Parking:
        """Return a new connection that waits."""
        return Parking(wiring.wake(self._namespace, shard), self._queues, self._logger)
