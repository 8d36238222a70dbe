"""What a store is asked about the limits of kinds."""

from __future__ import annotations

from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.limit import Limit, LimitUse


class Limits(Protocol):
    """The limits of one namespace. Each shard keeps its part of them: one shard is exact.

    A part is at least one, so a limit below the number of shards counts as one a shard.
    """

    def all(self) -> Call[list[LimitUse]]:
        """Return every limit and its use, by kind."""

    def put(self, limit: Limit) -> Call[str]:
        """Limit a kind: `set`, `too_many` for one beyond MAX_LIMITS, or `kept`.

        A limit of CODE leaves the one that somebody else has set as it is: `kept`. A repeat answers alike.
        """

    def drop(self, kind: str, by: str = "") -> Call[str]:
        """End the limits of a kind: `set`. Dropped by CODE, those that somebody else has set are `kept`."""
