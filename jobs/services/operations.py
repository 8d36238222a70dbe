"""Bulk operations and the rests of purges: begun, listed, looked at, aborted, paused and resumed.

What was begun is on record before anything is done. `operation_steps` does it, in the process that was asked and then
in whichever has a loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs import wiring
from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.operation import Operation, OperationBatch
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.bulk_operation import ACTS_ON, BulkAction, BulkRequest
from jobs.domain.errors import BackendUnavailable, NotFound, StateConflict
from jobs.domain.identity import parse_id
from jobs.services import operation_outcomes
from jobs.services.acts import database_unavailable
from jobs.services.operation_canary import next_raise
from jobs.services.operation_details import OperationDetails, details_of
from jobs.services.operation_outcomes import OutcomePage
from jobs.services.operation_search import counted
from jobs.services.operation_states import ACTIVE, ENDED, PURGE, Changes, started
from jobs.services.operation_steps import batches_of, work_on

MAX_LISTED = 200
# Of a namespace, at work at a time.
MAX_AT_WORK = 50
_AT_ONCE_S = 2.0
_REASON_LENGTH = 500


def start_bulk(actor: Actor, action: BulkAction, job_ids: Sequence[str], *, reason: str = "") -> OperationDetails:
    """Do a plain action to jobs by id; see `start`."""
    return start(actor, BulkRequest(action=action, ids=tuple(job_ids), reason=reason))


def start(actor: Actor, request: BulkRequest) -> OperationDetails:
    """Begin an operation: what can be done within two seconds, up to the first 200 jobs, before this returns.

    Ids that are named twice count once. `cancel` also asks running jobs to stop. Jobs that come later than now are not
    taken. Raises NotPermitted, StateConflict `too_many_operations` or BackendUnavailable.
    """
    policy.authorize(actor, Action.BULK_OPERATE)
    if request.selection is not None and request.selection.payload:
        policy.authorize(actor, Action.PAYLOAD_READ)
    until_ms = _store_now(actor) if request.ids is None else 0
    row = Operation(
        id=wiring.identity().make(),
        namespace=actor.namespace,
        action=request.action.value,
        created_by=actor.label[:200],
        reason=request.reason[:_REASON_LENGTH],
        queue=request.queue or "",
        priority=request.priority or "",
        selection=None if request.selection is None else msgspec.to_builtins(request.selection),
        until_ms=until_ms,
        pace_per_s=request.pace_per_s,
        canary=None if request.canary is None else msgspec.to_builtins(request.canary),
        is_preview=request.is_dry_run,
        next_at=timezone.now(),
    )
    # What is longer than an id is none; NUL is the one character that a database may refuse.
    ids = list(dict.fromkeys(job_id[:64].replace("\0", "") for job_id in request.ids or ()))
    if request.ids is None:
        row.status = "matching"
    else:
        row.matched = len(ids)
        row.status = "running"
        if request.is_dry_run:
            row.status, row.counts = "previewed", _counts_of(actor, request.action, ids)
        else:
            row.paced_since = timezone.now()
    _store(actor, row, ids)
    _go_on(row)
    return details_of(row)


def _store(actor: Actor, row: Operation, ids: list[str]) -> None:
    after: dict[str, object] = {"action": row.action, "dry_run": row.is_preview}
    given = {"queue": row.queue, "priority": row.priority, "filter": row.selection, "pace_per_s": row.pace_per_s}
    after |= {name: value for name, value in {**given, "canary": row.canary}.items() if value}
    if row.selection is None:
        after |= {"total": len(ids), "job_ids": ids}
    try:
        with transaction.atomic():
            _require_room(actor)
            row.save(force_insert=True)
            OperationBatch.objects.bulk_create(batches_of(row, ids, 0))
            audit.record(actor, Action.BULK_OPERATE, "operation", row.id, reason=row.reason, after=after)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def _require_room(actor: Actor) -> None:
    if Operation.objects.filter(namespace=actor.namespace, status__in=ACTIVE).count() >= MAX_AT_WORK:
        detail = f"{MAX_AT_WORK} operations are at work. Abort some, or wait for their end."
        raise StateConflict(detail, code="too_many_operations")


def _go_on(row: Operation) -> None:
    """Work on an operation until it has done something, for two seconds at most.

    The request is on record by now: if the store is away, a loop will carry it out.
    """
    deadline = time.monotonic() + _AT_ONCE_S
    with suppress(BackendUnavailable, DatabaseFailure):
        while row.status in ACTIVE and not row.taken and time.monotonic() < deadline:
            if not work_on(row):
                break
    with suppress(DatabaseFailure):
        row.refresh_from_db()


def _counts_of(actor: Actor, action: BulkAction, ids: list[str]) -> list[list[object]]:
    """Return by queue and kind the jobs among these that the action is meant for."""
    known = [job_id for job_id in map(parse_id, ids) if job_id is not None]
    inspector, counts = wiring.backend().inspector(actor.namespace), list[list[object]]()
    for at in range(0, len(known), MAX_BATCH):
        jobs = wiring.runner().run(inspector.get_many(known[at : at + MAX_BATCH]))
        counts = counted(counts, tuple(job for job in jobs if job is not None and job.status in ACTS_ON[action]))
    return counts


def _store_now(actor: Actor) -> int:
    return wiring.runner().run(wiring.backend().inspector(actor.namespace).overview(0)).server_time


def continue_purge(
    actor: Actor, operation_id: str, queue: str, *, until_ms: int, after: int, purged: int, reason: str
) -> OperationDetails:
    """Leave the rest of a purge, which its caller has authorized and begun, to the loop."""
    try:
        with transaction.atomic():
            row = Operation.objects.create(
                id=operation_id,
                namespace=actor.namespace,
                action=PURGE,
                queue=queue,
                created_by=actor.label[:200],
                reason=reason[:_REASON_LENGTH],
                until_ms=until_ms,
                after=after,
                done=purged,
                next_at=timezone.now(),
            )
            noted: dict[str, object] = {"purged_so_far": purged, "operation": operation_id}
            audit.record(actor, Action.QUEUE_PURGE, "queue", queue, reason=reason, after=noted)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return details_of(row)


def get_operation(actor: Actor, operation_id: str) -> OperationDetails:
    """Return an operation of the actor's namespace. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.BULK_READ)
    return details_of(_row(actor, operation_id))


def list_operations(
    actor: Actor, limit: int = 50, before: str | None = None
) -> tuple[tuple[OperationDetails, ...], str | None]:
    """Return operations, newest first, from behind the id `before` on; and the id to go on from, None at the end."""
    policy.authorize(actor, Action.BULK_READ)
    try:
        rows = Operation.objects.filter(namespace=actor.namespace)
        if before is not None:
            last = _row(actor, before)
            rows = rows.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, id__lt=last.id))
        found = list(rows[: limit + 1])
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return tuple(map(details_of, found[:limit])), found[limit - 1].id if len(found) > limit else None


def list_outcomes(actor: Actor, operation_id: str, place: int, limit: int, *, only_undone: bool = False) -> OutcomePage:
    """Return what became of the jobs of an operation, from a place on. Raises NotFound."""
    policy.authorize(actor, Action.BULK_READ)
    row = _row(actor, operation_id)
    try:
        return operation_outcomes.read_page(row.id, place, limit, only_undone=only_undone)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def abort_operation(actor: Actor, operation_id: str, *, reason: str = "") -> OperationDetails:
    """End an operation where it is; what is done stays done.

    Raises StateConflict (`operation_ended`, `purge_goes_on`).
    """

    def change(row: Operation) -> Changes:
        if row.status in ACTIVE:
            return {"wanted": "abort", "next_at": timezone.now()}
        return {"status": "aborted", "finished_at": timezone.now()}

    return _steer(actor, operation_id, "abort", reason, change)


def pause_operation(actor: Actor, operation_id: str, *, reason: str = "") -> OperationDetails:
    """Hold an operation until it is resumed; again is no error. Raises StateConflict for one that is not at work."""

    def change(row: Operation) -> Changes:
        if row.status == "paused":
            return {}
        if row.status not in ACTIVE:
            raise StateConflict(f"It is {row.status}.", status=row.status, code="not_at_work")
        return {"wanted": row.wanted or "pause", "next_at": timezone.now()}

    return _steer(actor, operation_id, "pause", reason, change)


def resume_operation(actor: Actor, operation_id: str, *, reason: str = "") -> OperationDetails:
    """Go on with one that was paused, that stopped, or whose dry run is to be done with just these jobs.

    After its canary it goes on without one. One that is to pause and has not yet goes on. Raises StateConflict for one
    that is at work or has ended, or `too_many_operations`.
    """

    def change(row: Operation) -> Changes:
        if row.status in ACTIVE and row.wanted == "pause":
            return {"wanted": ""}
        if row.status not in ("previewed", "stopped", "paused"):
            raise StateConflict(f"It is {row.status}.", status=row.status, code="not_resumable")
        _require_room(actor)
        now = timezone.now()
        again: Changes = {"failures": 0, "error": "", "stop_reason": "", "next_at": now, "paused_at_status": ""}
        if row.paused_at_status:
            before = {"status": row.paused_at_status, "paced_since": now, "paced_from": row.taken}
            return again | before | {"ramp_at": next_raise(row)}
        return again | {"is_preview": False, **started(row.matched - row.taken, row.taken)} | _ended(row)

    return _steer(actor, operation_id, "resume", reason, change)


def _ended(row: Operation) -> Changes:
    return {} if row.matched > row.taken else {"finished_at": timezone.now()}


def _steer(
    actor: Actor, operation_id: str, verb: str, reason: str, change: Callable[[Operation], Changes]
) -> OperationDetails:
    policy.authorize(actor, Action.BULK_OPERATE)
    row = _row(actor, operation_id)
    try:
        with transaction.atomic():
            row = Operation.objects.select_for_update().get(pk=row.pk)
            if row.action == PURGE and row.status not in ENDED:
                raise StateConflict("A purge goes on to its end.", status=row.status, code="purge_goes_on")
            if row.status in ENDED:
                raise StateConflict(f"The operation is {row.status}.", status=row.status, code="operation_ended")
            Operation.objects.filter(pk=row.pk).update(**change(row))
            audit.record(actor, Action.BULK_OPERATE, "operation", row.id, reason=reason, after={"verb": verb})
        row.refresh_from_db()
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    with suppress(BackendUnavailable, DatabaseFailure):
        if row.status in ACTIVE:
            work_on(row)
    return details_of(row)


def _row(actor: Actor, operation_id: str) -> Operation:
    canonical = parse_id(operation_id)
    try:
        row = Operation.objects.filter(pk=canonical, namespace=actor.namespace).first() if canonical else None
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    if row is None:
        raise NotFound(f"There is no operation {operation_id[:64]!r}.")
    return row
