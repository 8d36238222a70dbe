"""What a handler may know of the attempt that it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs.domain.lease import Lease


class StopMark:
    """Tells a running handler to stop: somebody said so, or the lease can no longer be trusted.

    `trusted_until` is a reading of the monotonic clock. Each field is one reference, so threads need no lock.
    """

    __slots__ = ("is_set", "trusted_until")

    def __init__(self, trusted_until: float) -> None:
        self.is_set = False
        self.trusted_until = trusted_until

    def is_stopped(self) -> bool:
        """Tell whether the handler should end; also right while the event loop is busy or was frozen."""
        return self.is_set or time.monotonic() > self.trusted_until


@dataclass(frozen=True, slots=True)
class Context:
    """One attempt at one job.

    `attempt` counts from 1. `lease_token` names this attempt alone: hand it to a service that must refuse an older
    attempt which wakes up late. `log` writes JSON lines with target `ironforge.handler`.
    """

    job_id: str
    kind: str
    attempt: int
    queue: str
    namespace: str
    metadata: Mapping[str, str]
    lease_token: str
    time_limit_s: float
    deadline: datetime
    log: logging.Logger
    _started: float
    _stop: StopMark = field(repr=False)

    @property
    def is_cancelled(self) -> bool:
        """Tell whether to stop now: time over, cancelled by someone, lease lost, or the worker stops.

        Threads cannot be stopped from outside, so a long `def` handler asks this now and then.
        """
        return self._stop.is_stopped()

    @property
    def remaining_s(self) -> float:
        """Return the seconds left of the time limit, never below 0."""
        return max(0.0, self._started + self.time_limit_s - time.monotonic())


def context_of(lease: Lease, timeout_ms: int, stop: StopMark, log: logging.Logger) -> Context:
    """Return the context of an attempt that starts now."""
    job = lease.job
    return Context(
        job_id=job.id,
        kind=job.kind,
        attempt=lease.attempt,
        queue=job.queue,
        namespace=job.namespace,
        metadata=job.metadata,
        lease_token=lease.token,
        time_limit_s=timeout_ms / 1000,
        deadline=datetime.fromtimestamp(time.time() + timeout_ms / 1000, UTC),
        log=log,
        _started=time.monotonic(),
        _stop=stop,
    )
