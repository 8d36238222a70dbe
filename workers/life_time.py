"""When a worker process ends by itself: it has worked enough, or there is nothing left to do."""

from __future__ import annotations

import logging
import time

from jobs.telemetry.logs import log_event
from workers.memory import resident_bytes
from workers.options import WorkerOptions
from workers.place import Place
from workers.pool import Pool
from workers.traffic import Traffic

# A bound of memory below what a process begins with must not have one made after the other: it is not judged before.
SETTLED_S = 3.0
# Who starts a worker that ends by itself waits for its end: a store that is away for longer is told as a failure.
AWAY_S = 30.0


class LifeTime:
    """Looks at a process's bounds, and at its work where it is to end without any. For the event loop's own callers."""

    def __init__(
        self, options: WorkerOptions, lanes: Traffic, pool: Pool, place: Place, logger: logging.Logger
    ) -> None:
        self._options = options
        self._lanes = lanes
        self._pool = pool
        self._place = place
        self._logger = logger
        self._answered_at = time.monotonic()
        # A process that was slow to start has worked for no time yet: its age counts from the first look at it.
        self._began: float | None = None
        self.failure = ""  # why it is over, where that is a failure

    def is_over(self, worker_id: str) -> bool:
        """Tell whether the process should end now; a parent hears of it before."""
        reason = self._bound_reached()
        if reason is not None:
            log_event(self._logger, "worker.recycled", worker_id=worker_id, reason=reason, jobs=self._pool.ended)
        elif not (self._options.is_burst and (self._gives_up() or self._lanes.is_idle(self._pool))):
            return False
        self._place.leave(reason is not None)
        return True

    def _gives_up(self) -> bool:
        if not self._lanes.is_away:
            self._answered_at = time.monotonic()
        elif time.monotonic() - self._answered_at > AWAY_S:
            self.failure = f"The store has been away for {AWAY_S:g} s, which is as long as --burst waits for it."
        return bool(self.failure)

    def _bound_reached(self) -> str | None:
        bounds = self._options.recycling
        if not bounds:
            return None
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        age_s = now - self._began
        memory = resident_bytes() if bounds.max_memory_bytes and age_s > SETTLED_S else 0
        return bounds.reason(self._pool.ended, age_s, memory)
