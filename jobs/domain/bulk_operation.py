"""What a bulk operation is: an act on jobs that a filter or a list of ids names, at a pace, behind a canary."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jobs.domain.fingerprint import group_id, site_of
from jobs.domain.job import Job
from jobs.domain.priority import Priority
from jobs.domain.status import CANCELLABLE, Status

MAX_IDS = 1_000
# Jobs that one operation takes; what matches beyond is left for another.
MAX_MATCHED = 1_000_000
MAX_PACE_PER_S = 10_000
MAX_CANARY = 1_000
MIN_WINDOW_MS, MAX_WINDOW_MS = 100, 3_600_000
MIN_FACTOR, MAX_FACTOR = 1.1, 10.0


class BulkAction(StrEnum):
    """What a bulk operation does to each of its jobs."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"
    REPRIORITISE = "reprioritise"
    MOVE = "move"


_LETTERS = frozenset({Status.DEAD_LETTER})
# In which statuses a job can be for the action to do anything.
ACTS_ON: dict[BulkAction, frozenset[Status]] = {
    BulkAction.RETRY: _LETTERS,
    BulkAction.DISCARD: _LETTERS,
    BulkAction.CANCEL: CANCELLABLE | {Status.RUNNING},
    BulkAction.REPRIORITISE: CANCELLABLE,
    BulkAction.MOVE: CANCELLABLE,
}


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which jobs are meant; what is None is not asked. Texts match whole. Times are Unix ms, both ends inclusive.

    `error_type` is the type of the last error or, for a job that ended without one, the reason of its end;
    `error_group` the group that this failure is of. `error` is a part of the error or of that reason, in capitals or
    not. `payload` are texts of `read_payload_match`.
    """

    status: Status | None = None
    queue: str | None = None
    kind: str | None = None
    priority: Priority | None = None
    metadata: dict[str, str] = {}
    error_type: str | None = None
    error_group: str | None = None
    created_after: int | None = None
    created_before: int | None = None
    finished_after: int | None = None
    finished_before: int | None = None
    error: str | None = None
    payload: tuple[str, ...] = ()

    def passes(self, job: Job) -> bool:
        """Tell whether the job is meant, as far as can be told without its payload."""
        return (
            (self.status is None or job.status is self.status)
            and (self.queue is None or job.queue == self.queue)
            and (self.kind is None or job.kind == self.kind)
            and (self.priority is None or job.priority is self.priority)
            and (self.error_type is None or error_type_of(job) == self.error_type)
            and (self.error is None or has_error_text(job, self.error))
            and (self.error_group is None or error_group_of(job) == self.error_group)
            and all(job.metadata.get(name) == value for name, value in self.metadata.items())
            and _is_within(job.created_at, self.created_after, self.created_before)
            and _is_within(job.finished_at, self.finished_after, self.finished_before)
        )


class Ramp(msgspec.Struct, frozen=True):
    """A pace that begins at `from_per_s` jobs a second and grows by `factor` each `every_ms`."""

    from_per_s: int
    factor: float
    every_ms: int


class Canary(msgspec.Struct, frozen=True, omit_defaults=True):
    """Send so many jobs first and watch just these: too many that fail within the window end the operation.

    With a ramp the pace of the rest grows, and before each raise the jobs taken last are judged in the same way.
    """

    first: int
    window_ms: int
    max_failure_rate: float
    ramp: Ramp | None = None


class BulkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: `ids` or `selection`, and what the action needs. `pace_per_s` of None: as fast as it goes."""

    action: BulkAction
    ids: tuple[str, ...] | None = None
    selection: Selection | None = None
    priority: Priority | None = None
    queue: str | None = None
    is_dry_run: bool = False
    pace_per_s: int | None = None
    canary: Canary | None = None
    reason: str = ""


class CanaryCount(msgspec.Struct, frozen=True):
    """How the first jobs did so far."""

    succeeded: int = 0
    failed: int = 0
    pending: int = 0

    def verdict(self, canary: Canary, *, is_over: bool) -> str | None:
        """Return `passed`, why it is to stop, or None while that is open.

        It stops as soon as so many failed that the rest cannot make up for it, and goes on as soon as nobody is left
        to wait for. At the end of the window only those count that have ended, and none is too little to go by.
        """
        sent, ended = self.succeeded + self.failed + self.pending, self.succeeded + self.failed
        limit = canary.max_failure_rate
        if self.failed > limit * sent or (is_over and ended and self.failed > limit * ended):
            of = ended if is_over else sent
            return f"{self.failed} of the first {of} jobs failed, more than {limit:.0%}."
        if not self.pending or (is_over and ended):
            return "passed"
        return f"None of the first {sent} jobs had ended within the window." if is_over else None


def count_canary(jobs: list[Job | None]) -> CanaryCount:
    """Judge jobs that were re-injected: one attempt that fails is a failure, whatever becomes of the job later."""
    succeeded = failed = pending = 0
    for job in jobs:
        if job is None or job.status is Status.CANCELLED:
            continue
        if job.status in (Status.FAILED, Status.DEAD_LETTER) or job.retry_count or job.lost_leases:
            failed += 1
        elif job.status is Status.COMPLETED:
            succeeded += 1
        else:
            pending += 1
    return CanaryCount(succeeded, failed, pending)


def error_type_of(job: Job) -> str:
    """Return the type of a job's last error, else the reason of its end."""
    if job.error is not None and job.error.type:
        return job.error.type
    return job.reason or NO_ERROR


NO_ERROR = "(no error)"


def has_error_text(job: Job, text: str) -> bool:
    """Tell whether a text is part of a job's last error or of the reason of its end, in capitals or not."""
    said = f"{job.error.type}: {job.error.message}" if job.error is not None else ""
    return text.casefold() in f"{said}\n{job.reason or ''}".casefold()


def error_group_of(job: Job) -> str | None:
    """Return the group of a job's last failure, None for one that has none. A death without error is a failure too."""
    if job.error is None or not job.error.type:
        return group_id(job.kind, error_type_of(job), "") if job.status is Status.DEAD_LETTER else None
    return group_id(job.kind, job.error.type, job.error_site or site_of(job.error))


def was_there(job: Job, at_ms: int) -> bool:
    """Tell whether a job had come to where it is by then (Unix ms): a job that came later is nobody's to take."""
    came: dict[Status, int | None] = {
        Status.QUEUED: job.ready_at,
        Status.SCHEDULED: job.started_at,
        Status.FAILED: job.started_at,
        Status.RUNNING: job.started_at,
    }
    return job.created_at <= at_ms and (came.get(job.status, job.finished_at) or job.created_at) <= at_ms


def _is_within(at: int | None, after: int | None, before: int | None) -> bool:
    if after is None and before is None:
        return True
    return at is not None and (after is None or at >= after) and (before is None or at <= before)
