"""The steps of long acts, done by whichever process claims them: search, act, watch a canary, purge.

An act is named by its operation, and the store remembers with each job what was done to it under that name. So a step
whose process died before it was written down is done again by another, and the store answers as it did the first time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs import wiring
from jobs.access.operation import Operation, OperationBatch
from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.backends.call import Call
from jobs.domain.bulk_operation import MAX_MATCHED, BulkAction, Canary, Selection, count_canary
from jobs.domain.identity import parse_id
from jobs.domain.priority import Priority
from jobs.services.operation_outcomes import DONE, SKIPPED, letters_of, outcomes_of
from jobs.services.operation_search import counted, search

ACTIVE = ("matching", "running", "watching")
ENDED = ("completed", "aborted")
PURGE = "purge"
_CLAIM = timedelta(seconds=30)
_LATE = timedelta(seconds=1)
_LOOKS_A_WINDOW = 20
Changes = dict[str, object]


def work_on(row: Operation) -> bool:
    """Claim the operation unless another process has it, and do its next step; False if that was not so."""
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    until = now + _CLAIM
    claimed = Operation.objects.filter(free, pk=row.pk, status__in=ACTIVE, step=row.step).update(claimed_until=until)
    if not claimed:
        return False
    try:
        row.refresh_from_db()
        _step(row)
    finally:
        Operation.objects.filter(pk=row.pk, claimed_until=until).update(claimed_until=None)
    row.refresh_from_db()
    return True


def _step(row: Operation) -> None:
    if row.wanted == "abort":
        _write(row, {"status": "aborted", "wanted": ""})
    elif row.wanted == "pause":
        _write(row, {"status": "paused", "wanted": "", "paused_at_status": row.status})
    elif row.action == PURGE:
        _purge(row)
    elif row.status == "matching":
        _match(row)
    elif row.status == "watching":
        _watch(row)
    else:
        _take(row)


def _write(row: Operation, changes: Changes, batch: OperationBatch | None = None) -> None:
    """Write a step down, unless another process has done so: then its answers were the same."""
    now = timezone.now()
    changes = {"next_at": now, **changes, "step": row.step + 1}
    if changes.get("status") in ENDED:
        changes["finished_at"] = now
    with transaction.atomic():
        if Operation.objects.filter(pk=row.pk, step=row.step).update(**changes) and batch is not None:
            batch.save()


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


def started(matched: int, taken: int) -> Changes:
    """Return what makes an operation act on what was found, or end where nothing was."""
    if not matched:
        return {"status": "completed"}
    return {"status": "running", "paced_since": timezone.now(), "paced_from": taken, "next_at": timezone.now()}


def _take(row: Operation) -> None:
    """Act on up to 200 of the jobs that were found."""
    batch = OperationBatch.objects.filter(operation=row, first__lte=row.taken).order_by("-first").first()
    canary = _canary_of(row)
    limit = MAX_BATCH if row.pace_per_s is None else min(MAX_BATCH, -(-row.pace_per_s // 2))
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
        "next_at": _next_at(row, len(ids)),
    }
    if canary is not None and taken >= min(canary.first, row.matched):
        until = timezone.now() + timedelta(milliseconds=canary.window_ms)
        changes |= {"status": "watching", "watched_until": until, "next_at": timezone.now()}
    elif taken >= row.matched or not ids:
        changes["status"] = "completed"
    _write(row, changes, batch)


def _next_at(row: Operation, taken: int) -> datetime:
    now = timezone.now()
    if row.pace_per_s is None:
        return now
    # From when the step was due, so that a late one does not slow the rest down, and never to catch up in a burst.
    return max(row.next_at or now, now - _LATE) + timedelta(seconds=taken / row.pace_per_s)


def _canary_of(row: Operation) -> Canary | None:
    """Return the canary as long as it counts."""
    return msgspec.convert(row.canary, Canary) if row.canary and not row.is_canary_over else None


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


def _watch(row: Operation) -> None:
    """Look how the first jobs do, and go on, stop or look again."""
    canary = msgspec.convert(row.canary, Canary)
    sent = [
        outcome.id
        for batch in OperationBatch.objects.filter(operation=row, first__lt=canary.first).order_by("first")
        for outcome in outcomes_of(batch)
        if outcome.code in DONE
    ]
    inspector = wiring.backend().inspector(row.namespace)
    starts = range(0, len(sent), MAX_BATCH)
    looks = [wiring.runner().run(inspector.get_many(sent[at : at + MAX_BATCH])) for at in starts]
    count = count_canary([job for jobs in looks for job in jobs])
    now = timezone.now()
    verdict = count.verdict(canary, is_over=row.watched_until is None or now >= row.watched_until)
    changes: Changes = {"canary_count": msgspec.to_builtins(count)}
    if verdict is None:
        changes["next_at"] = now + timedelta(milliseconds=canary.window_ms / _LOOKS_A_WINDOW)
    elif verdict == "passed":
        changes |= {"is_canary_over": True, **started(row.matched - row.taken, row.taken)}
    else:
        changes |= {"status": "stopped", "is_canary_over": True, "stop_reason": verdict}
    _write(row, changes)


def _purge(row: Operation) -> None:
    operator = wiring.backend().operator(row.namespace)
    call = operator.purge(row.queue, f"{row.id}:{row.step}", row.until_ms, row.after, by=row.created_by)
    progress = wiring.runner().run(call)
    changes: Changes = {"done": row.done + progress.purged}
    changes |= {"status": "completed"} if progress.after is None else {"after": progress.after}
    _write(row, changes)
