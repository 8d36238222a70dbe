"""Long acts: bulk operations on jobs and the rest of a purge, done in steps by whichever process claims them.

A step is named by its operation and number and is written down after it was done. A process that dies in between
leaves the claim to run out; another repeats the step, which the store then answers as it did the first time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs import wiring
from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.operation import Operation
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.domain.errors import BackendUnavailable, NotFound
from jobs.domain.identity import parse_id
from jobs.services.acts import database_unavailable

MAX_IDS = 1_000
_CLAIM = timedelta(seconds=30)
_KEPT = timedelta(days=30)
_REASON_LENGTH = 500


class BulkAction(StrEnum):
    """What a bulk operation does to each of its jobs."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"


_PURGE = "purge"


@dataclass(frozen=True, slots=True)
class OperationItem:
    """What became of one job: `done`, `requested`, `conflict` or `not_found`, and its status then."""

    id: str
    code: str
    status: str | None


@dataclass(frozen=True, slots=True)
class OperationDetails:
    """How far an operation is. `total` is None for a purge, whose number is known only at its end."""

    id: str
    action: str
    queue: str | None
    status: str
    total: int | None
    done: int
    failed: int
    items: tuple[OperationItem, ...]
    created_by: str
    created_at: datetime
    finished_at: datetime | None


def start_bulk(actor: Actor, action: BulkAction, job_ids: Sequence[str], *, reason: str = "") -> OperationDetails:
    """Do the action to up to 1 000 jobs: the first 200 before this returns, the rest soon after.

    Ids that are named twice count once. `cancel` also asks running jobs to stop. Raises NotPermitted or
    BackendUnavailable.
    """
    policy.authorize(actor, Action.BULK_OPERATE)
    # What is longer than an id is none; NUL is the one character that a database may refuse.
    unique = list(dict.fromkeys(job_id[:64].replace("\0", "") for job_id in job_ids))
    try:
        with transaction.atomic():
            row = Operation.objects.create(
                id=wiring.identity().make(),
                namespace=actor.namespace,
                action=action.value,
                created_by=actor.label[:200],
                reason=reason[:_REASON_LENGTH],
                job_ids=unique,
                claimed_until=timezone.now() + _CLAIM,
            )
            after: dict[str, object] = {"action": action.value, "total": len(unique), "job_ids": unique}
            audit.record(actor, Action.BULK_OPERATE, "operation", row.id, reason=reason, after=after)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    # The request is on record by now: if the store is away, the loop will carry it out.
    with suppress(BackendUnavailable):
        _step(row)
    _let_go(row)
    return _details_of(row)


def continue_purge(
    actor: Actor, operation_id: str, queue: str, *, until_ms: int, after: int, purged: int, reason: str
) -> OperationDetails:
    """Leave the rest of a purge, which its caller has authorized and begun, to the loop."""
    try:
        with transaction.atomic():
            row = Operation.objects.create(
                id=operation_id,
                namespace=actor.namespace,
                action=_PURGE,
                queue=queue,
                created_by=actor.label[:200],
                reason=reason[:_REASON_LENGTH],
                until_ms=until_ms,
                after=after,
                done=purged,
            )
            noted: dict[str, object] = {"purged_so_far": purged, "operation": operation_id}
            audit.record(actor, Action.QUEUE_PURGE, "queue", queue, reason=reason, after=noted)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return _details_of(row)


def get_operation(actor: Actor, operation_id: str) -> OperationDetails:
    """Return an operation of the actor's namespace. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.BULK_OPERATE)
    canonical = parse_id(operation_id)
    try:
        row = Operation.objects.filter(pk=canonical, namespace=actor.namespace).first() if canonical else None
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    if row is None:
        raise NotFound(f"There is no operation {operation_id[:64]!r}.")
    return _details_of(row)


def work_on_next() -> bool:
    """Claim the oldest operation that waits, if any, and do one step of it. Safe in any number of processes.

    Authorizes nothing: its request was authorized when it was made. Raises BackendUnavailable.
    """
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    waiting = Operation.objects.filter(free, status="running").order_by("created_at")
    row = waiting.first()
    if row is None:
        return False
    claimed = waiting.filter(pk=row.pk, step=row.step).update(claimed_until=now + _CLAIM)
    if claimed:
        try:
            _step(row)
        finally:
            _let_go(row)
    return True


def forget_old() -> int:
    """Remove the rows of operations that ended 30 days ago; the audit log keeps the record. Return how many."""
    removed, _ = Operation.objects.filter(finished_at__lte=timezone.now() - _KEPT).delete()
    return removed


def _step(row: Operation) -> None:
    """Do the next step, up to 200 jobs, and write down how far it is."""
    if row.action == _PURGE:
        _purge_step(row)
    else:
        _bulk_step(row)
    row.step += 1
    if row.status != "running":
        row.finished_at = timezone.now()
    row.save(update_fields=["step", "status", "items", "after", "done", "failed", "finished_at"])


def _let_go(row: Operation) -> None:
    Operation.objects.filter(pk=row.pk).update(claimed_until=None)


def _bulk_step(row: Operation) -> None:
    start = len(row.items)
    batch: list[str] = row.job_ids[start : start + MAX_BATCH]
    # Answers come in order; what cannot be an id names no job.
    canonical = [parse_id(job_id) for job_id in batch]
    acted = iter(_act(row, [job_id for job_id in canonical if job_id is not None]))
    for given, known in zip(batch, canonical, strict=True):
        answer = next(acted) if known is not None else Acted(given, ActCode.NOT_FOUND, None)
        row.items.append([given, answer.code.value, answer.status.value if answer.status else None])
        if answer.code in (ActCode.DONE, ActCode.REQUESTED):
            row.done += 1
        else:
            row.failed += 1
    if len(row.items) >= len(row.job_ids):
        row.status = "completed"


def _act(row: Operation, job_ids: list[str]) -> list[Acted]:
    if not job_ids:
        return []
    operator = wiring.backend().operator(row.namespace)
    request_id = f"{row.id}:{row.step}"
    match BulkAction(row.action):
        case BulkAction.RETRY:
            call = operator.retry(job_ids, request_id, by=row.created_by)
        case BulkAction.CANCEL:
            call = operator.cancel(job_ids, request_id, running=True, by=row.created_by)
        case BulkAction.DISCARD:
            call = operator.discard(job_ids, request_id, by=row.created_by)
    return wiring.runner().run(call)


def _purge_step(row: Operation) -> None:
    operator = wiring.backend().operator(row.namespace)
    call = operator.purge(row.queue, f"{row.id}:{row.step}", row.until_ms, row.after, by=row.created_by)
    progress = wiring.runner().run(call)
    row.done += progress.purged
    if progress.after is None:
        row.status = "completed"
    else:
        row.after = progress.after


def _details_of(row: Operation) -> OperationDetails:
    return OperationDetails(
        id=row.id,
        action=row.action,
        queue=row.queue or None,
        status=row.status,
        total=None if row.action == _PURGE else len(row.job_ids),
        done=row.done,
        failed=row.failed,
        items=tuple(OperationItem(*item) for item in row.items),
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
