"""How an attempt ended, as its worker tells the store."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jobs.domain.job import JobError
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext


class OutcomeKind(StrEnum):
    """The ways to settle. `unknown_kind`: the worker has no handler for it. `crashed`: its child process died of it."""

    COMPLETED = "completed"
    FAILED = "failed"
    SNOOZED = "snoozed"
    RELEASED = "released"
    DISCARDED = "discarded"
    UNKNOWN_KIND = "unknown_kind"
    CRASHED = "crashed"


class Settlement(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One attempt's end. `delay_ms` is the wait of a snooze, or of a retry that chose its own.

    `result` is JSON text. `duration_ms` is how long the handler ran, by the worker's monotonic clock. `reason` is why a
    job is given back, and `trace` the span of the attempt, for the worker's own log.
    """

    job_id: str
    token: str
    outcome: OutcomeKind
    result: bytes | None = None
    error: JobError | None = None
    delay_ms: int | None = None
    duration_ms: int = 0
    reason: str = ""
    trace: TraceContext | None = None


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What the store made of a settlement: the job's new status, or None when the lease was lost."""

    job_id: str
    status: Status | None

    @property
    def is_lost(self) -> bool:
        """Tell whether somebody else holds the job by now; nothing was written then."""
        return self.status is None
