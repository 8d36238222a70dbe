"""A job as programs see it over HTTP, whichever face answers: the shapes, and nothing of a web framework."""

from __future__ import annotations

from typing import Any

import msgspec

from jobs.domain.instant import instant, rfc3339
from jobs.domain.job import Attempt, Delivery, Job, JobError
from jobs.domain.priority import Priority
from jobs.domain.report import Progress
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from jobs.domain.unique import Debounce, Unique, Until


class SubmittedShape(msgspec.Struct, frozen=True):
    """An accepted job; `existing` is true where it is the one that holds the unique key, or was debounced."""

    id: str
    status: Status
    created_at: str
    existing: bool | msgspec.UnsetType = msgspec.UNSET


class ErrorShape(msgspec.Struct, frozen=True):
    """Why an attempt ended badly."""

    type: str
    message: str
    traceback: str


class BackoffShape(msgspec.Struct, frozen=True):
    """How long retries wait."""

    base_ms: int
    max_ms: int
    jitter: str


class UniqueShape(msgspec.Struct, frozen=True):
    """What makes a job unique; `ttl_ms` null: its key is held until it is let go."""

    key: str
    until: Until
    ttl_ms: int | None


class DebounceShape(msgspec.Struct, frozen=True):
    """How a job is debounced; `max_wait_ms` null: there is no bound."""

    key: str
    delay_ms: int
    max_wait_ms: int | None


class AttemptShape(msgspec.Struct, frozen=True):
    """One run of a job; without outcome while it runs."""

    number: int
    worker_id: str
    started_at: str
    finished_at: str | None
    outcome: str | None
    error: ErrorShape | None


class ProgressShape(msgspec.Struct, frozen=True):
    """How far the job is, as its handler said: a fraction of 1 and a few words."""

    fraction: float
    text: str
    at: str


class TraceShape(msgspec.Struct, frozen=True):
    """The trace that a job belongs to: its id, and the W3C headers of the span that submitted the job."""

    trace_id: str
    traceparent: str
    tracestate: str | msgspec.UnsetType = msgspec.UNSET


class JobShape(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `payload`, `result` and `checkpoint` are there only for who may read them, and not in lists.

    `webhook` is the URL that hears of its end, without its query, which may hold a key. `trace` is there for a job that
    was submitted while tracing was on.
    """

    id: str
    kind: str
    queue: str
    priority: Priority
    status: Status
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    max_retries: int
    retry_count: int
    created_at: str
    scheduled_for: str | None
    ready_at: str | None
    started_at: str | None
    finished_at: str | None
    timeout_ms: int
    metadata: dict[str, str]
    delivery: Delivery
    backoff: BackoffShape
    webhook: str | None
    expires_at: str | None
    unique: UniqueShape | None
    debounce: DebounceShape | None
    limit_key: str | None
    retention_ms: int | None
    trace: TraceShape | msgspec.UnsetType = msgspec.UNSET
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorShape | None
    reason: str | None
    worker_id: str | None
    schedule_id: str | None
    workflow_id: str | None
    step: str | None
    attempt: int
    lost_leases: int
    cancel_requested: bool
    progress: ProgressShape | None
    checkpoint: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    attempts: tuple[AttemptShape, ...] | msgspec.UnsetType = msgspec.UNSET


def submitted_shape(job_id: str, status: Status, created_at: int, *, is_existing: bool = False) -> SubmittedShape:
    """Return what a client gets for its job; `created_at` is Unix ms."""
    return SubmittedShape(job_id, status, instant(created_at), is_existing or msgspec.UNSET)


def job_shape(job: Job, *, is_whole: bool = True) -> JobShape:
    """Return a job; in a list (not whole) without attempts."""
    shape = _untraced_shape(job, is_whole)
    return shape if job.trace is None else msgspec.structs.replace(shape, trace=_trace_shape(job.trace))


def _untraced_shape(job: Job, is_whole: bool) -> JobShape:
    return JobShape(
        id=job.id,
        kind=job.kind,
        queue=job.queue,
        priority=job.priority,
        status=job.status,
        payload=_raw(job.payload),
        max_retries=job.max_retries,
        retry_count=job.retry_count,
        created_at=instant(job.created_at),
        scheduled_for=rfc3339(job.scheduled_for),
        ready_at=rfc3339(job.ready_at),
        started_at=rfc3339(job.started_at),
        finished_at=rfc3339(job.finished_at),
        timeout_ms=job.timeout_ms,
        metadata=job.metadata,
        delivery=job.delivery,
        backoff=BackoffShape(job.backoff.base_ms, job.backoff.max_ms, job.backoff.jitter.value),
        webhook=job.webhook.partition("?")[0] if job.webhook else None,
        expires_at=rfc3339(job.expires_at),
        unique=_unique_shape(job.unique),
        debounce=_debounce_shape(job.debounce),
        limit_key=job.limit_key,
        retention_ms=job.retention_ms,
        result=_raw(job.result),
        error=_error_shape(job.error),
        reason=job.reason,
        worker_id=job.worker_id,
        schedule_id=job.schedule_id,
        workflow_id=job.workflow_id,
        step=job.step,
        attempt=job.attempt,
        lost_leases=job.lost_leases,
        cancel_requested=job.cancel_requested,
        progress=_progress_shape(job.progress),
        checkpoint=_raw(job.checkpoint),
        attempts=tuple(_attempt_shape(attempt) for attempt in job.attempts) if is_whole else msgspec.UNSET,
    )


def _attempt_shape(attempt: Attempt) -> AttemptShape:
    return AttemptShape(
        attempt.number,
        attempt.worker_id,
        instant(attempt.started_at),
        rfc3339(attempt.finished_at),
        attempt.outcome,
        _error_shape(attempt.error),
    )


def _unique_shape(it: Unique | None) -> UniqueShape | None:
    return None if it is None else UniqueShape(it.key, it.until, it.ttl_ms)


def _debounce_shape(it: Debounce | None) -> DebounceShape | None:
    return None if it is None else DebounceShape(it.key, it.delay_ms, it.max_wait_ms)


def _trace_shape(trace: TraceContext) -> TraceShape:
    return TraceShape(trace.trace_id, trace.traceparent, trace.state or msgspec.UNSET)


def _progress_shape(progress: Progress | None) -> ProgressShape | None:
    return None if progress is None else ProgressShape(progress.fraction, progress.text, instant(progress.at))


def _error_shape(error: JobError | None) -> ErrorShape | None:
    return None if error is None else ErrorShape(error.type, error.message, error.traceback)


def _raw(data: bytes | None) -> Any:
    return msgspec.UNSET if data is None else msgspec.Raw(data)
