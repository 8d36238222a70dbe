"""What a handler may know of its attempt, and what it may say of itself while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ironforge_client.exchange import encode
from ironforge_client.trace import Trace
from ironforge_client.worker.attempt import Attempt
from ironforge_client.worker.plain_text import plain

MAX_CHECKPOINT_BYTES = 256 * 1024
MAX_TEXT = 200
MAX_LINE = 2_000
# Of lines that the server was not told yet; it keeps 1 000 of a job.
MAX_LINES_WAITING = 1_000


class Context:
    """One attempt at one job. Every method may be called from any thread."""

    def __init__(self, attempt: Attempt, limit_s: float, tell: Callable[[], None], trace: Trace | None = None) -> None:
        self._attempt = attempt
        self._limit_s = limit_s
        self._tell = tell
        self._trace = trace

    def __repr__(self) -> str:
        return f"Context(job_id={self.job_id!r}, kind={self.kind!r}, attempt={self.attempt})"

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return self._attempt.lease.job.id

    @property
    def kind(self) -> str:
        """Return the job's kind."""
        return self._attempt.lease.job.kind

    @property
    def queue(self) -> str:
        """Return the queue that the job came from."""
        return self._attempt.lease.job.queue

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return the job's tags."""
        return self._attempt.lease.job.metadata

    @property
    def attempt(self) -> int:
        """Return the number of this attempt, from 1."""
        return self._attempt.lease.attempt

    @property
    def lease_token(self) -> str:
        """Return what names this attempt alone: a service can refuse an older attempt that wakes up late by it."""
        return self._attempt.lease.token

    @property
    def last_checkpoint(self) -> Any:
        """Return what an earlier attempt gave to `checkpoint`, None for nothing."""
        return self._attempt.lease.checkpoint

    @property
    def workflow_id(self) -> str | None:
        """Return the workflow that the job is a step or the callback of, None for a job of none."""
        return self._attempt.lease.job.workflow_id

    @property
    def step(self) -> str | None:
        """Return the name of the step in its workflow."""
        return self._attempt.lease.job.step

    @property
    def parents(self) -> Mapping[str, Any]:
        """Return how each parent of the step ended, by name: its `status`, and the `result` of one that completed.

        `omitted` is true in place of a result that is larger than what is handed over.
        """
        return self._attempt.lease.parents

    @property
    def trace(self) -> Trace | None:
        """Return where in a trace the handler is, with the `headers()` that take it along; None for no trace.

        Where the program uses OpenTelemetry, it is the span of this attempt, else that of the submission.
        """
        return self._trace

    @property
    def remaining_s(self) -> float:
        """Return the seconds left of the time limit, never below 0."""
        return max(0.0, self._attempt.started + self._limit_s - time.monotonic())

    @property
    def deadline(self) -> datetime:
        """Return when the time limit is reached, in UTC by this machine's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.remaining_s)

    @property
    def is_cancelled(self) -> bool:
        """Tell whether to stop now: time over, cancelled by someone, lease lost, or the worker stops.

        Threads cannot be stopped from outside, so a long `def` handler asks this now and then.
        """
        return self._attempt.is_stopped

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the job is, 0–1. Raises ValueError for anything else."""
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"progress is 0–1, not {fraction}")
        self._attempt.reports.progress(float(fraction), plain(text)[:MAX_TEXT])
        self._tell()

    def log(self, line: str) -> None:
        """Add a line to the job's log; the newest 1 000 are kept."""
        self._attempt.reports.line(plain(line)[:MAX_LINE], MAX_LINES_WAITING)
        self._tell()

    def checkpoint(self, data: Any) -> None:
        """Keep any JSON value for the next attempt, should this one not complete.

        Raises TypeError or ValueError for what is not JSON or larger than 256 KiB.
        """
        text = encode(data)
        if len(text) > MAX_CHECKPOINT_BYTES:
            raise ValueError(f"a checkpoint has at most {MAX_CHECKPOINT_BYTES} bytes, not {len(text)}")
        # As it is now, whatever the handler does to it afterwards.
        self._attempt.reports.checkpoint(json.loads(text))
        self._tell()
