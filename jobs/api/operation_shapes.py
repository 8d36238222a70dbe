"""Long acts as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.bulk_operation import Ramp, Selection
from jobs.domain.instant import rfc3339, text_of
from jobs.services.operation_details import OperationDetails
from jobs.services.operation_outcomes import OutcomePage


class OutcomeShape(msgspec.Struct, frozen=True):
    """What became of one job (done, requested, conflict, not_found …, as documented); its status then."""

    id: str
    code: str
    status: str | None


class OutcomeListShape(msgspec.Struct, frozen=True):
    """A page of outcomes, in the order in which the jobs were taken."""

    data: tuple[OutcomeShape, ...]
    page: PageShape


class CountShape(msgspec.Struct, frozen=True):
    """How many of the jobs found are of a queue and a kind; `*` stands for all beyond the first 500 pairs."""

    queue: str
    kind: str
    count: int


class SelectionShape(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs were meant."""

    status: str | None
    queue: str | None
    kind: str | None
    priority: str | None
    metadata: dict[str, str]
    error_type: str | None
    error: str | None
    payload: tuple[str, ...]
    error_group: str | None
    created_after: str | None
    created_before: str | None
    finished_after: str | None
    finished_before: str | None


class CanaryShape(msgspec.Struct, frozen=True, kw_only=True):
    """The first jobs, and how they do: `succeeded`, `failed` and `pending` (not ended yet) are numbers of jobs, null
    until they were looked at. `watched_until` is null unless they are watched now.
    """

    first: int
    window_ms: int
    max_failure_rate: float
    ramp: Ramp | None
    watched_until: str | None
    succeeded: int | None
    failed: int | None
    pending: int | None


class OperationShape(msgspec.Struct, frozen=True, kw_only=True):
    """How far an operation is.

    `total` grows while jobs are searched (`matching`) and is null for a purge, whose number shows at its end. `rate` is
    jobs a second, `estimate_s` the seconds that are left at this rate; both are null unless it is `running`.
    `searched` is how many jobs were looked at to find those that match. `stopping`: somebody paused or aborted it, and
    the step under way is not over. `pace_now` is the pace in jobs a second that holds at present, growing with a ramp;
    null for none.
    `error` says why the last step failed, null where it did not; `failures` counts such steps in a row.
    """

    id: str
    action: str
    queue: str | None
    priority: str | None
    filter: SelectionShape | None
    dry_run: bool
    status: str
    stop_reason: str | None
    stopping: bool
    error: str | None
    failures: int
    total: int | None
    truncated: bool
    searched: int
    taken: int
    done: int
    skipped: int
    failed: int
    counts: tuple[CountShape, ...]
    pace_per_s: int | None
    pace_now: float | None
    rate: float | None
    estimate_s: float | None
    canary: CanaryShape | None
    reason: str
    created_by: str
    created_at: str
    finished_at: str | None


class OperationListShape(msgspec.Struct, frozen=True):
    """A page of operations, newest first."""

    data: tuple[OperationShape, ...]
    page: PageShape


def operation_shape(operation: OperationDetails) -> OperationShape:
    """Return an operation."""
    return OperationShape(
        id=operation.id,
        action=operation.action,
        queue=operation.queue,
        priority=operation.priority,
        filter=None if operation.selection is None else _selection_shape(operation.selection),
        dry_run=operation.is_preview,
        status=operation.status,
        stop_reason=operation.stop_reason or None,
        stopping=operation.is_stopping,
        error=operation.error or None,
        failures=operation.failures,
        total=operation.total,
        truncated=operation.is_cut,
        searched=operation.looked_at,
        taken=operation.taken,
        done=operation.done,
        skipped=operation.skipped,
        failed=operation.failed,
        counts=tuple(CountShape(queue, kind, number) for queue, kind, number in operation.counts),
        pace_per_s=operation.pace_per_s,
        pace_now=None if operation.pace_now is None else round(operation.pace_now, 2),
        rate=None if operation.rate is None else round(operation.rate, 2),
        estimate_s=None if operation.estimate_s is None else round(operation.estimate_s, 1),
        canary=_canary_shape(operation),
        reason=operation.reason,
        created_by=operation.created_by,
        created_at=text_of(operation.created_at),
        finished_at=None if operation.finished_at is None else text_of(operation.finished_at),
    )


def _selection_shape(wanted: Selection) -> SelectionShape:
    return SelectionShape(
        status=wanted.status,
        queue=wanted.queue,
        kind=wanted.kind,
        priority=wanted.priority,
        metadata=wanted.metadata,
        error_type=wanted.error_type,
        error=wanted.error,
        payload=wanted.payload,
        error_group=wanted.error_group,
        created_after=rfc3339(wanted.created_after),
        created_before=rfc3339(wanted.created_before),
        finished_after=rfc3339(wanted.finished_after),
        finished_before=rfc3339(wanted.finished_before),
    )


def _canary_shape(operation: OperationDetails) -> CanaryShape | None:
    canary, count = operation.canary, operation.canary_count
    if canary is None:
        return None
    return CanaryShape(
        first=canary.first,
        window_ms=canary.window_ms,
        max_failure_rate=canary.max_failure_rate,
        ramp=canary.ramp,
        watched_until=None if operation.watched_until is None else text_of(operation.watched_until),
        succeeded=None if count is None else count.succeeded,
        failed=None if count is None else count.failed,
        pending=None if count is None else count.pending,
    )


def outcome_list_shape(found: OutcomePage) -> OutcomeListShape:
    """Return a page of outcomes."""
    outcomes = tuple(OutcomeShape(outcome.id, outcome.code, outcome.status) for outcome in found.outcomes)
    return OutcomeListShape(outcomes, PageShape(None if found.next_place is None else str(found.next_place)))
