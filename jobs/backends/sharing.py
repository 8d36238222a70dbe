"""What a store is asked about fair queues."""

from __future__ import annotations

from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.sharing import Share


class Sharing(Protocol):
    """The fair queues of one namespace. Each shard takes turns for itself."""

    def all(self) -> Call[dict[str, Share]]:
        """Return how each fair queue is shared, by name."""

    def put(self, queue: str, share: Share) -> Call[bool]:
        """Make a queue fair, or its weights others; False for a new queue when there are too many.

        Jobs that wait get their turns from `Maintainer.reshare`. A repeat answers alike.
        """

    def drop(self, queue: str) -> Call[bool]:
        """Make a queue one that goes by time again: True. Jobs that wait get their places from `Maintainer.reshare`."""
