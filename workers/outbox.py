"""The outcomes that the store has not accepted yet. They stay until it accepts them or says that the lease is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import replace

from jobs.backends.base import MAX_BATCH
from jobs.domain.backoff import Jitter
from jobs.domain.job import Job
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settled, Settlement
from jobs.domain.status import Status
from jobs.telemetry.job_lines import JobLine, log_jobs
from jobs.telemetry.logs import log_event
from workers.faults import Faults
from workers.lease_table import LeaseTable

# Results are 256 KiB at most; 200 of them would keep the store and the connection busy for longer than a call may take.
MAX_BATCH_BYTES = 2 * 1024 * 1024

_EVENTS = {
    Status.FAILED: ("job.failed", logging.WARNING),
    Status.DEAD_LETTER: ("job.dead_letter", logging.ERROR),
    Status.QUEUED: ("job.released", logging.INFO),
    Status.SCHEDULED: ("job.snoozed", logging.INFO),
    Status.CANCELLED: ("job.cancelled", logging.INFO),
}
_FAILURES = (Status.FAILED, Status.DEAD_LETTER)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What to tell the store about one lease."""

    lease: Lease
    settlement: Settlement


class Outbox:
    """Outcomes by lease token, oldest first; used on the event loop only. The lease is kept alive meanwhile."""

    def __init__(
        self,
        leases: LeaseTable,
        logger: logging.Logger,
        notify: Callable[[], None],
        namespace: str | None = None,
        *,
        faults: Faults,
    ) -> None:
        """`namespace` is told in lines of log, where there are several."""
        self._leases = leases
        self._logger = logger
        self._notify = notify
        self._namespace = namespace
        self._faults = faults
        self._pending: dict[str, Outcome] = {}
        self._under_way: set[str] = set()
        self._limit = MAX_BATCH
        self.completed = self.failed = 0  # attempts with that outcome in the store, since the beginning

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, lease: Lease, settlement: Settlement) -> None:
        """Add an outcome and wake the exchange."""
        self._pending[lease.token] = Outcome(lease, settlement)
        self._notify()

    def holds(self, token: str) -> bool:
        """Tell whether the outcome of this attempt waits here."""
        return token in self._pending

    @property
    def due(self) -> int:
        """Return how many outcomes are not under way to the store."""
        return len(self._pending) - len(self._under_way)

    def begin(self) -> list[Outcome]:
        """Return the oldest outcomes that are due, few enough for one call in number and size.

        They are under way until `end`, and stay here until `accept`.
        """
        batch: list[Outcome] = []
        room = MAX_BATCH_BYTES
        due = (outcome for token, outcome in self._pending.items() if token not in self._under_way)
        for outcome in islice(due, self._limit):
            room -= len(outcome.settlement.result or b"")
            if room < 0 and batch:
                break
            batch.append(outcome)
        self._under_way.update(outcome.lease.token for outcome in batch)
        return batch

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """Take it that they are under way no more: those that were not accepted are due again."""
        self._under_way.difference_update(outcome.lease.token for outcome in outcomes)

    @property
    def is_limited(self) -> bool:
        """Tell whether fewer go in a call than might, because one failed."""
        return self._limit < MAX_BATCH

    def send_all(self) -> None:
        """Take it that a call may say all it can again."""
        self._limit = MAX_BATCH

    def send_less(self) -> None:
        """Take it that the last call may have been too much to say in its time."""
        self._limit = max(1, self._limit // 2)

    def send_singly(self) -> None:
        """Find out which outcome it is that cannot be sent or read."""
        self._limit = 1

    def get_past(self, outcomes: Sequence[Outcome]) -> None:
        """Get past what cannot be sent or read: its lease runs out and the store takes the job back."""
        if len(outcomes) == 1:
            self.forget(outcomes)
        elif outcomes:
            self.send_singly()

    def accept(self, outcomes: Sequence[Outcome], answers: Sequence[Settled]) -> None:
        """Forget the outcomes that the store has answered, and log what became of each job."""
        self.forget(outcomes)
        completed = []
        for outcome, settled in zip(outcomes, answers, strict=True):
            if settled.status is Status.COMPLETED:
                lease = outcome.lease
                job = lease.job
                line = (job.id, job.kind, outcome.settlement.duration_ms, lease.attempt, job.queue, self._namespace)
                completed.append(JobLine(*line, *_span_of(outcome.settlement)))
            else:
                self.failed += settled.status in _FAILURES
                self._log(outcome, settled.status)
                if settled.status is not None:
                    self._faults.note(outcome.lease.job, outcome.settlement, settled.status)
        self.completed += len(completed)
        if completed:
            # When the next round is on its way: the store need not wait for the log.
            asyncio.get_running_loop().call_soon(log_jobs, self._logger, "job.completed", completed)

    def forget(self, outcomes: Sequence[Outcome]) -> None:
        """Drop outcomes and their leases."""
        for outcome in outcomes:
            self._pending.pop(outcome.lease.token, None)
            self._under_way.discard(outcome.lease.token)
        self._leases.drop(outcome.lease for outcome in outcomes)

    def _log(self, outcome: Outcome, status: Status | None) -> None:
        job, settlement = outcome.lease.job, outcome.settlement
        if status is None:
            log_event(
                self._logger,
                "lease.lost",
                level=logging.WARNING,
                job_id=job.id,
                kind=job.kind,
                at="settle",
                namespace=self._namespace,
            )
            return
        event, level = _EVENTS.get(status, ("job.settled", logging.INFO))
        if settlement.outcome is OutcomeKind.UNKNOWN_KIND and status is Status.SCHEDULED:
            event, level = "job.unknown_kind", logging.WARNING
        elif settlement.outcome is OutcomeKind.CRASHED and status is Status.QUEUED:
            event, level = "job.crashed", logging.WARNING
        error = settlement.error
        log_event(
            self._logger,
            event,
            level=level,
            job_id=job.id,
            kind=job.kind,
            duration_ms=None if settlement.reason else settlement.duration_ms,
            attempt=outcome.lease.attempt,
            queue=job.queue,
            namespace=self._namespace,
            reason=settlement.reason or None,
            trace_id=_span_of(settlement)[0],
            span_id=_span_of(settlement)[1],
            **(_next_attempt(job, settlement) if status is Status.FAILED else {}),
            error_type=error.type if error else None,
            error=error.message[:200] if error else None,
        )


def _span_of(settlement: Settlement) -> tuple[str, str] | tuple[None, None]:
    """Return the ids of the trace and of the span that the attempt was; None where tracing is off."""
    span = settlement.trace
    return (None, None) if span is None else (span.trace_id, span.span_id)


def _next_attempt(job: Job, settlement: Settlement) -> dict[str, Any]:
    """Return how many retries are left after this one, and when it comes: as the store reckons it, or at the latest."""
    delay_ms = settlement.delay_ms
    latest = replace(job.backoff, jitter=Jitter.NONE).delay_ms(job.retry_count + 1)
    is_drawn = delay_ms is None and job.backoff.jitter is Jitter.FULL
    return {
        "retries_left": max(0, job.max_retries - job.retry_count - 1),
        "retry_in_ms": None if is_drawn else latest if delay_ms is None else delay_ms,
        "retry_within_ms": latest if is_drawn else None,
    }
