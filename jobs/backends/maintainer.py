"""What keeps a store in order asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jobs.backends.call import Call
from jobs.backends.glance import Glance
from jobs.backends.reconciliation import Reconciler
from jobs.backends.retention import Pruned, Retention


class Maintainer(Reconciler, Protocol):
    """Keeps one shard in order; safe to run anywhere, any number of times, in parallel."""

    def glance(self, queues: Sequence[str]) -> Call[Glance]:
        """See whether there is anything to claim from these queues, or to keep in order."""

    def promote_due(self) -> Call[int]:
        """Make due jobs ready, up to MAX_BATCH; return how many."""

    def end_expired(self) -> Call[int]:
        """End jobs that were to start before a moment that is over, up to MAX_BATCH; return how many were looked at."""

    def reap(self) -> Call[int]:
        """End the leases that ran out, up to MAX_BATCH; return how many."""

    def reshare(self) -> Call[int]:
        """Give waiting jobs a place that fits how their queue is shared, up to MAX_BATCH; return how much was done."""

    def lose_worker(self, worker_id: str, how: str, first: int) -> Call[tuple[int, int]]:
        """End the leases of a worker that is known to be dead, looking at MAX_BATCH leases from rank `first` on.

        `how` it ended is kept with each attempt. Returns where to go on (-1: the end) and how many leases ended.
        """

    def tend(self) -> Call[bool]:
        """Go on with what other calls left of workflows; True: there is more."""

    def sweep(self, retention: Retention) -> Call[bool]:
        """Remove workflows that were never started, and those that ended long ago; True: there is more."""

    def prune(self, retention: Retention) -> Call[Pruned]:
        """Remove final jobs beyond retention, up to MAX_BATCH."""
