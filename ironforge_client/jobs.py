"""Jobs as the server shows them. A field that this version does not know is in `document`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ironforge_client.trace import Trace, read_trace

# A dead letter waits for a person, so nobody need wait for it longer.
FINAL_STATUSES = frozenset({"completed", "dead_letter", "cancelled"})


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """An accepted job; `is_replayed` when the idempotency key came before and no second job was made.

    `is_existing`: it is the job that holds the unique key, or that was debounced.
    """

    id: str
    status: str
    created_at: datetime
    is_replayed: bool = False
    is_existing: bool = False


@dataclass(frozen=True, slots=True)
class JobError:
    """Why an attempt ended badly."""

    type: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job; without `outcome` while it runs."""

    number: int
    worker_id: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    error: JobError | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job says it is; `fraction` is 0–1."""

    fraction: float
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job. `payload` and `result` are None in lists and for keys that may not read them.

    `webhook` is the URL that hears of its end, without its query.
    """

    id: str
    kind: str
    queue: str
    priority: str
    status: str
    payload: Any
    max_retries: int
    retry_count: int
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    timeout_ms: int
    metadata: Mapping[str, str]
    delivery: str
    result: Any
    error: JobError | None
    reason: str | None
    worker_id: str | None
    attempt: int
    lost_leases: int
    is_cancel_requested: bool
    attempts: tuple[Attempt, ...]
    progress: Progress | None
    webhook: str | None
    limit_key: str | None
    trace: Trace | None
    retention_ms: int | None
    schedule_id: str | None
    expires_at: datetime | None
    unique: Mapping[str, Any] | None
    debounce: Mapping[str, Any] | None
    workflow_id: str | None
    step: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def is_final(self) -> bool:
        """Tell whether the job is completed, cancelled or a dead letter."""
        return self.status in FINAL_STATUSES

    @property
    def is_completed(self) -> bool:
        """Tell whether the job did what it should."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that an attempt wrote into the job's log."""

    at: datetime
    attempt: int
    level: str
    text: str


def read_job(document: Mapping[str, Any]) -> Job:
    """Return the job of an answer."""
    return Job(
        id=document["id"],
        kind=document["kind"],
        queue=document["queue"],
        priority=document["priority"],
        status=document["status"],
        payload=document.get("payload"),
        max_retries=document["max_retries"],
        retry_count=document["retry_count"],
        created_at=read_time(document["created_at"]),
        scheduled_for=maybe_time(document.get("scheduled_for")),
        started_at=maybe_time(document.get("started_at")),
        finished_at=maybe_time(document.get("finished_at")),
        timeout_ms=document["timeout_ms"],
        metadata=document.get("metadata") or {},
        delivery=document["delivery"],
        result=document.get("result"),
        error=_read_error(document.get("error")),
        reason=document.get("reason"),
        worker_id=document.get("worker_id"),
        attempt=document.get("attempt", 0),
        lost_leases=document.get("lost_leases", 0),
        is_cancel_requested=bool(document.get("cancel_requested")),
        attempts=tuple(_read_attempt(attempt) for attempt in document.get("attempts") or ()),
        progress=_read_progress(document.get("progress")),
        webhook=document.get("webhook"),
        limit_key=document.get("limit_key"),
        trace=read_trace(document.get("trace")),
        retention_ms=document.get("retention_ms"),
        schedule_id=document.get("schedule_id"),
        expires_at=maybe_time(document.get("expires_at")),
        unique=document.get("unique"),
        debounce=document.get("debounce"),
        workflow_id=document.get("workflow_id"),
        step=document.get("step"),
        document=document,
    )


def read_submitted(document: Mapping[str, Any], *, is_replayed: bool) -> SubmittedJob:
    """Return what the server says of an accepted job."""
    return SubmittedJob(
        document["id"],
        document["status"],
        read_time(document["created_at"]),
        is_replayed,
        bool(document.get("existing")),
    )


def read_line(document: Mapping[str, Any]) -> LogLine:
    """Return a line of a job's log."""
    return LogLine(read_time(document["at"]), document["attempt"], document["level"], document["text"])


def read_time(text: str) -> datetime:
    """Return a time of an answer, in UTC."""
    return datetime.fromisoformat(text)


def maybe_time(text: str | None) -> datetime | None:
    """Return a time of an answer that may have none, in UTC."""
    return None if text is None else read_time(text)


def _read_attempt(document: Mapping[str, Any]) -> Attempt:
    return Attempt(
        document["number"],
        document["worker_id"],
        read_time(document["started_at"]),
        maybe_time(document.get("finished_at")),
        document.get("outcome"),
        _read_error(document.get("error")),
    )


def _read_error(document: Mapping[str, Any] | None) -> JobError | None:
    if document is None:
        return None
    return JobError(document["type"], document["message"], document.get("traceback") or "")


def _read_progress(document: Mapping[str, Any] | None) -> Progress | None:
    return None if document is None else Progress(document["fraction"], document.get("text") or "")
