"""What a store is asked about limits."""

from __future__ import annotations

from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.circuit import CircuitState
from jobs.domain.limit import Limit, LimitBy, LimitUse


class Limits(Protocol):
    """The limits of one namespace. Of those of kinds and queues each shard keeps its part: one shard is exact.

    A part is at least one, so a limit below the number of shards counts as one a shard. A key has its jobs in one
    shard, which keeps the whole of its limit.
    """

    def all(self) -> Call[list[LimitUse]]:
        """Return every limit and its use, by what it limits and by name."""

    def of(
        self, *, kind: str | None = None, queue: str | None = None, key: str | None = None, holders: int = 0
    ) -> Call[list[LimitUse]]:
        """Return those limits that are set and their use: of a kind, of a queue, of a key of the kind.

        Of each the jobs that have run longest are named, up to `holders`.
        """

    def paths(self) -> Call[dict[str, str]]:
        """Return where payloads have the keys that limits go by, by kind."""

    def put(self, limit: Limit) -> Call[str]:
        """Limit something: `set`, `too_many` for one beyond MAX_LIMITS, or `kept`.

        A limit of CODE leaves the one that somebody else has set as it is: `kept`. A repeat answers alike.
        """

    def drop(self, name: str, by: LimitBy = LimitBy.KIND, set_by: str = "") -> Call[str]:
        """End the limits of something: `set`. Dropped by CODE, those that somebody else has set are `kept`."""

    def turn(self, kind: str, state: CircuitState, by: str, reason: str) -> Call[bool]:
        """Open or close the circuit of a kind by hand: False where it has none. A repeat changes nothing."""
