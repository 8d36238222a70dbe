"""The work that keeps a store in order, done by every worker: end what expired, promote what is due, reap lost leases,
give jobs of fair queues their places, apply retention, repair what does not fit together.

It touches nothing but the store, and any number of workers may do it at the same time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.backends.maintainer import Maintainer
from jobs.backends.retention import Pruned, Retention
from jobs.domain.lease import DEFAULT_LEASE_MS
from jobs.telemetry.logs import log_event
from workers.maintenance.reconciler import Reconciler
from workers.rounds import Rounds
from workers.store_link import StoreLink

INTERVAL_S = 1.0
PRUNE_INTERVAL_S = 10.0
# A round's bound: the next round goes on, and other loops of the store get their turn between.
MAX_BATCHES = 20


class Upkeep:
    """One round over all maintainers, one for each shard that is served: none waits for another's return."""

    def __init__(
        self,
        maintainers: Sequence[Maintainer],
        link: StoreLink,
        retention: Retention,
        logger: logging.Logger,
        *,
        lease_ms: int = DEFAULT_LEASE_MS,
        rounds: Rounds[int] | None = None,
    ) -> None:
        self._maintainers = maintainers
        self._link = link
        self._retention = retention
        self._logger = logger
        self._prune_at = time.monotonic()
        self._rounds: Rounds[int] = rounds or Rounds("upkeep", len(maintainers))
        self._reconcilers = [Reconciler(maintainer, link, lease_ms, logger) for maintainer in maintainers]

    @property
    def is_walking(self) -> bool:
        """Tell whether a look through all jobs is under way, which goes on with each round."""
        return any(reconciler.is_walking for reconciler in self._reconcilers)

    def step(self) -> None:
        """Do a round; prune and reconcile now and then. Raises BackendUnavailable once all had their turn."""
        is_prune_due = time.monotonic() >= self._prune_at
        if is_prune_due:
            self._prune_at = time.monotonic() + PRUNE_INTERVAL_S

        def look_after(shard: int) -> None:
            self._promote_and_reap(self._maintainers[shard])
            self._go_on(self._maintainers[shard].tend())
            if is_prune_due:
                self._prune(self._maintainers[shard])
                self._go_on(self._maintainers[shard].sweep(self._retention))
            self._reconcilers[shard].step()

        self._rounds.ask(range(len(self._maintainers)), look_after)

    def _promote_and_reap(self, maintainer: Maintainer) -> None:
        for _ in range(MAX_BATCHES):
            calls = [maintainer.end_expired(), maintainer.promote_due(), maintainer.reap(), maintainer.reshare()]
            expired, promoted, reaped, reshared = self._link.run_many(calls)
            if reaped:
                log_event(self._logger, "lease.reaped", level=logging.WARNING, count=reaped)
            if max(expired, promoted, reaped, reshared) < MAX_BATCH:
                return

    def _go_on(self, call: Call[bool]) -> None:
        """Carry a call out until nothing is left to do, or the round has its share."""
        for _ in range(MAX_BATCHES):
            if not self._link.run(call):
                return

    def _prune(self, maintainer: Maintainer) -> None:
        total = Pruned(0, 0, 0, more=False)
        for _ in range(MAX_BATCHES):
            part = self._link.run(maintainer.prune(self._retention))
            total = Pruned(
                total.completed + part.completed,
                total.cancelled + part.cancelled,
                total.dead_letter + part.dead_letter,
                more=part.more,
            )
            if not part.more:
                break
        if total.completed or total.cancelled or total.dead_letter:
            log_event(
                self._logger,
                "retention.pruned",
                completed=total.completed,
                cancelled=total.cancelled,
                dead_letter=total.dead_letter,
            )
