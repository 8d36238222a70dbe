"""The steps of long acts, done by whichever process claims them: search, act, watch a canary, purge.

An act is named by its operation, and the store remembers with each job what was done to it under that name. So a step
whose process died before it was written down is done again by another, and the store answers as it did the first time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs import wiring
from jobs.access.operation import Operation, OperationBatch
from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.backends.call import Call
from jobs.domain.bulk_operation import MAX_MATCHED, BulkAction, Selection
from jobs.domain.identity import parse_id
from jobs.domain.priority import Priority
from jobs.services.operation_canary import canary_of, is_raise_due, pace_of, raised, sent, watched
from jobs.services.operation_failures import note_failure
from jobs.services.operation_outcomes import DONE, SKIPPED, letters_of
from jobs.services.operation_search import counted, search
from jobs.services.operation_states import ACTIVE, ENDED, PURGE, WISHES, Changes, obeyed, started

_CLAIM = timedelta(seconds=30)
_LATE = timedelta(seconds=1)


def work_on(row: Operation) -> bool:
    """Claim the operation unless another process has it, and do its next step; False if that was not so.

    What fails is written down with the operation, which is tried again later.
    """
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    until = now + _CLAIM
    claimed = Operation.objects.filter(free, pk=row.pk, status__in=ACTIVE, step=row.step).update(claimed_until=until)
    if not claimed:
        return False
    try:
        row.refresh_from_db()
        _step(row)
    except Exception as failure:  # noqa: BLE001 - whatever is wrong with one operation is not to hold up the others
        note_failure(row, failure)
        claimed = 0
    finally:
        Operation.objects.filter(pk=row.pk, claimed_until=until).update(claimed_until=None)
    row.refresh_from_db()
    return bool(claimed)


def _step(row: Operation) -> None:
    if row.wanted:
        _write(row, {})
    elif row.action == PURGE:
        _purge(row)
    elif row.status == "matching":
        _match(row)
    elif row.status == "watching":
        _write(row, watched(row))
    elif is_raise_due(row):
        _write(row, raised(row))
    else:
        _take(row)


def _write(row: Operation, changes: Changes, batch: OperationBatch | None = None) -> None:
    """Write a step down, unless another process has done so: then its answers were the same."""
    now = timezone.now()
    changes = {"next_at": now, "failures": 0, "error": "", **changes, "step": row.step + 1}
    with transaction.atomic():
        here = Operation.objects.filter(pk=row.pk, step=row.step)
        for wanted in WISHES:
            final = obeyed(changes, row.status, wanted)
            if final.get("status") in ENDED:
                final["finished_at"] = now
            if here.filter(wanted=wanted).update(**final):
                if batch is not None:
                    batch.save()
                return


def _match(row: Operation) -> None:
    wanted = msgspec.convert(row.selection, Selection)
    found = search(row.namespace, BulkAction(row.action), wanted, row.until_ms, row.place)
    jobs = found.jobs[: MAX_MATCHED - row.matched]
    matched = row.matched + len(jobs)
    is_cut = len(jobs) < len(found.jobs)
    changes: Changes = {
        "looked_at": row.looked_at + found.looked_at,
        "matched": matched,
        "counts": counted(row.counts, jobs),
        "place": found.place or row.place,
        "is_cut": is_cut,
    }
    if found.place is None or is_cut:
        changes |= {"status": "previewed"} if row.is_preview else started(matched, row.taken)
    ids = [job.id for job in jobs]
    # Should another process write the same stretch, the first one's batches stay.
    with transaction.atomic():
        if Operation.objects.select_for_update().filter(pk=row.pk, step=row.step).exists():
            OperationBatch.objects.bulk_create(batches_of(row, ids, row.matched))
            _write(row, changes)


def batches_of(row: Operation, ids: list[str], first: int) -> list[OperationBatch]:
    """Return the rows that keep these ids, from that place of the operation on."""
    starts = range(0, len(ids), MAX_BATCH)
    return [OperationBatch(operation=row, first=first + at, ids=ids[at : at + MAX_BATCH]) for at in starts]


def _take(row: Operation) -> None:
    """Act on up to 200 of the jobs that were found."""
    batch = OperationBatch.objects.filter(operation=row, first__lte=row.taken).order_by("-first").first()
    canary, pace = canary_of(row), pace_of(row)
    limit = MAX_BATCH if pace is None else min(MAX_BATCH, ceil(pace / 2))
    if canary is not None:
        limit = min(limit, canary.first - row.taken)
    at = 0 if batch is None else row.taken - batch.first
    ids: list[str] = [] if batch is None else batch.ids[at : at + limit]
    acted = _act(row, ids)
    done = sum(answer.code in DONE for answer in acted)
    skipped = sum(answer.code in SKIPPED for answer in acted)
    if batch is not None:
        batch.codes += letters_of(acted)
        batch.undone += len(acted) - done
    taken = row.taken + len(ids)
    changes: Changes = {
        "taken": taken,
        "done": row.done + done,
        "skipped": row.skipped + skipped,
        "failed": row.failed + len(acted) - done - skipped,
        "next_at": _next_at(row, len(ids), pace),
    }
    if canary is not None and taken >= min(canary.first, row.matched):
        changes |= sent(row, taken)
    elif taken >= row.matched or not ids:
        changes["status"] = "completed"
    _write(row, changes, batch)


def _next_at(row: Operation, taken: int, pace: float | None) -> datetime:
    now = timezone.now()
    if pace is None:
        return now
    # From when the step was due, so that a late one does not slow the rest down, and never to catch up in a burst.
    return max(row.next_at or now, now - _LATE) + timedelta(seconds=taken / pace)


def _act(row: Operation, given: list[str]) -> list[Acted]:
    """Return the answers in order; what cannot be an id names no job."""
    canonical = [parse_id(job_id) for job_id in given]
    known = [job_id for job_id in canonical if job_id is not None]
    answers = iter(wiring.runner().run(_call(row, known)) if known else [])
    return [
        Acted(job_id, ActCode.NOT_FOUND, None) if ours is None else next(answers)
        for job_id, ours in zip(given, canonical, strict=True)
    ]


def _call(row: Operation, ids: list[str]) -> Call[list[Acted]]:
    operator, name, by = wiring.backend().operator(row.namespace), row.id, row.created_by
    match BulkAction(row.action):
        case BulkAction.RETRY:
            return operator.retry(ids, name, by=by)
        case BulkAction.CANCEL:
            return operator.cancel(ids, name, running=True, by=by)
        case BulkAction.DISCARD:
            return operator.discard(ids, name, by=by)
        case BulkAction.REPRIORITISE:
            return operator.reprioritise(ids, name, Priority(row.priority), by=by)
        case BulkAction.MOVE:
            return operator.move(ids, name, row.queue, by=by)


def _purge(row: Operation) -> None:
    operator = wiring.backend().operator(row.namespace)
    call = operator.purge(row.queue, f"{row.id}:{row.step}", row.until_ms, row.after, by=row.created_by)
    progress = wiring.runner().run(call)
    changes: Changes = {"done": row.done + progress.purged}
    changes |= {"status": "completed"} if progress.after is None else {"after": progress.after}
    _write(row, changes)
