"""What a handler may know of the attempt that it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from jobs.domain.lease import Lease
from jobs.domain.payload import decode_json
from jobs.domain.report import MAX_CHECKPOINT_BYTES
from jobs.domain.trace import TraceContext
from workers.job_log import JobLog
from workers.json_value import encode_json
from workers.verdict import Cancelled


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


class Reports(Protocol):
    """Takes what attempts say of themselves to the store. Safe to call from any thread; nothing waits."""

    def progress(self, lease: Lease, fraction: float, text: str) -> None:
        """Note how far an attempt is."""

    def line(self, lease: Lease, level: str, text: str) -> None:
        """Note a line of log."""

    def checkpoint(self, lease: Lease, data: bytes) -> None:
        """Note where the next attempt is to go on (JSON text)."""


class Context:
    """One attempt at one job.

    Most handlers look at little of it, so the rest is worked out when it is asked for.
    """

    __slots__ = ("_lease", "_reports", "_started", "_stop", "_time_limit_ms", "_trace")

    def __init__(
        self,
        lease: Lease,
        time_limit_ms: int,
        stop: StopMark,
        started: float,
        reports: Reports,
        *,
        trace: TraceContext | None = None,
    ) -> None:
        self._lease = lease
        self._time_limit_ms = time_limit_ms
        self._stop = stop
        self._started = started
        self._reports = reports
        self._trace = trace

    def __repr__(self) -> str:
        return f"Context(job_id={self.job_id!r}, kind={self.kind!r}, attempt={self.attempt})"

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return self._lease.job.id

    @property
    def kind(self) -> str:
        """Return the job's kind."""
        return self._lease.job.kind

    @property
    def attempt(self) -> int:
        """Return the number of this attempt, from 1."""
        return self._lease.attempt

    @property
    def retry_count(self) -> int:
        """Return how many retries were used before this attempt; lost leases and snoozes use none."""
        return self._lease.job.retry_count

    @property
    def queue(self) -> str:
        """Return the queue that the job came from."""
        return self._lease.job.queue

    @property
    def namespace(self) -> str:
        """Return the tenant that the job belongs to."""
        return self._lease.job.namespace

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return the job's tags."""
        return self._lease.job.metadata

    @property
    def lease_token(self) -> str:
        """Return what names this attempt alone: a service can refuse an older attempt that wakes up late by it."""
        return self._lease.token

    @property
    def time_limit_s(self) -> float:
        """Return how long this attempt may take."""
        return self._time_limit_ms / 1000

    @property
    def deadline(self) -> datetime:
        """Return when the time limit is reached, in UTC by this machine's clock."""
        return datetime.now(UTC) + timedelta(seconds=self._ends_at - time.monotonic())

    @property
    def last_checkpoint(self) -> Any:
        """Return what an earlier attempt of this job left with `checkpoint`, None if none did."""
        data = self._lease.checkpoint
        return None if data is None else decode_json(data)

    @property
    def workflow_id(self) -> str | None:
        """Return the workflow that the job is a step or the callback of, None for a job of none."""
        return self._lease.job.workflow_id

    @property
    def step(self) -> str | None:
        """Return the name of the step in its workflow."""
        return self._lease.job.step

    @property
    def parents(self) -> Mapping[str, Any]:
        """Return how each parent of the step ended, by name: its `status`, and the `result` of one that completed.

        `omitted` is true in place of a result that is larger than what is handed over.
        """
        data = self._lease.parents
        found = None if data is None else decode_json(data)
        return found if isinstance(found, dict) else {}

    @property
    def trace(self) -> TraceContext | None:
        """Return where in a trace the handler is, with the `headers()` that take it along; None for no trace.

        Where the worker traces, it is the span of this attempt, else that of the submission.
        """
        return self._trace

    @property
    def log(self) -> JobLog:
        """Return the job's log: `context.log("text")`, or `context.log.warning("text")` and the like."""
        return JobLog(self._lease, self._reports)

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how far the job is: a fraction of 1, and a few words (200 bytes are kept). Raises ValueError.

        It is seen within a second; of several in that time the last one.
        """
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress is a fraction from 0 to 1, not {fraction!r}")
        self._reports.progress(self._lease, float(fraction), str(text))

    def checkpoint(self, data: Any) -> None:
        """Keep a JSON value (256 KiB at most) from which the next attempt can go on: its `last_checkpoint`.

        It is with the store within a second, and always before the store hears how this attempt ended. Raises
        ValueError for what is not JSON.
        """
        self._reports.checkpoint(self._lease, encode_json(data, MAX_CHECKPOINT_BYTES))

    def heartbeat(self) -> None:
        """Pass while the attempt may go on. Raises `Cancelled` when it must stop, so that a loop in a thread ends."""
        if self._stop.is_stopped():
            raise Cancelled("The attempt must stop.")

    @property
    def is_cancelled(self) -> bool:
        """Tell whether to stop now: time over, cancelled by someone, lease lost, or the worker stops.

        Threads cannot be stopped from outside, so a long `def` handler asks this now and then.
        """
        return self._stop.is_stopped()

    @property
    def remaining_s(self) -> float:
        """Return the seconds left of the time limit, never below 0."""
        return max(0.0, self._ends_at - time.monotonic())

    @property
    def _ends_at(self) -> float:
        return self._started + self._time_limit_ms / 1000
