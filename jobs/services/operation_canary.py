"""A canary of an operation and the ramp behind it: the first jobs are watched, then the pace grows while all is well.

Judged by the jobs themselves, as `count_canary` does.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from django.utils import timezone

from jobs import wiring
from jobs.access.operation import Operation, OperationBatch
from jobs.backends.base import MAX_BATCH
from jobs.domain.bulk_operation import MAX_PACE_PER_S, Canary, CanaryCount, count_canary
from jobs.services.operation_outcomes import DONE, outcomes_of
from jobs.services.operation_states import Changes, started

_LOOKS_A_WINDOW = 20


def canary_of(row: Operation) -> Canary | None:
    """Return the canary as long as it counts."""
    return _stored(row) if row.canary and not row.is_canary_over else None


def pace_of(row: Operation) -> float | None:
    """Return how many jobs a second may be taken now; None for as fast as it goes."""
    return row.ramp_pace if row.ramp_pace is not None else row.pace_per_s


def sent(row: Operation, taken: int) -> Changes:
    """Return what follows when the jobs of the canary are sent: they are watched."""
    canary = _stored(row)
    until = timezone.now() + timedelta(milliseconds=canary.window_ms)
    return {"taken": taken, "status": "watching", "watched_until": until, "next_at": timezone.now()}


def watched(row: Operation) -> Changes:
    """Look how the first jobs do, and go on, stop or look again."""
    canary = _stored(row)
    count = _count(row, 0, canary.first)
    now = timezone.now()
    verdict = count.verdict(canary, is_over=row.watched_until is None or now >= row.watched_until)
    changes: Changes = {"canary_count": msgspec.to_builtins(count)}
    if verdict is None:
        changes["next_at"] = now + timedelta(milliseconds=canary.window_ms / _LOOKS_A_WINDOW)
    elif verdict == "passed":
        changes |= {"is_canary_over": True, **started(row.matched - row.taken, row.taken)}
        if canary.ramp is not None:
            changes |= {"ramp_pace": float(canary.ramp.from_per_s), "ramp_at": next_raise(row)}
    else:
        changes |= {"status": "stopped", "is_canary_over": True, "stop_reason": verdict}
    return changes


def is_raise_due(row: Operation) -> bool:
    """Tell whether the pace is to be raised before more jobs are taken."""
    return row.ramp_pace is not None and (row.ramp_at is None or timezone.now() >= row.ramp_at)


def next_raise(row: Operation) -> object:
    """Return when the pace is raised next; None without a ramp."""
    ramp = _stored(row).ramp if row.canary else None
    return None if ramp is None else timezone.now() + timedelta(milliseconds=ramp.every_ms)


def raised(row: Operation) -> Changes:
    """Look at the jobs that were taken last, and raise the pace, leave it where none of them has ended, or stop."""
    canary = _stored(row)
    # What is asked for is bounded; a row from before could have no ramp.
    if canary.ramp is None:
        return {"ramp_pace": None, "ramp_at": None, "next_at": row.next_at}
    count = _count(row, max(row.taken - MAX_BATCH, 0), row.taken)
    ended = count.succeeded + count.failed
    if count.failed > canary.max_failure_rate * ended:
        reason = f"{count.failed} of the last {ended} jobs that ended failed, more than {canary.max_failure_rate:.0%}."
        return {"status": "stopped", "stop_reason": reason, "ramp_pace": None, "ramp_at": None}
    pace = (row.ramp_pace or canary.ramp.from_per_s) * (canary.ramp.factor if ended else 1)
    if pace >= (row.pace_per_s or MAX_PACE_PER_S):
        return {"ramp_pace": None, "ramp_at": None, "next_at": row.next_at}
    return {"ramp_pace": pace, "ramp_at": next_raise(row), "next_at": row.next_at}


def _stored(row: Operation) -> Canary:
    return msgspec.convert(row.canary, Canary)


def _count(row: Operation, first: int, end: int) -> CanaryCount:
    """Judge those of the jobs at these places that were sent."""
    batches = OperationBatch.objects.filter(operation=row, first__gt=first - MAX_BATCH, first__lt=end).order_by("first")
    ids = [
        outcome.id
        for batch in batches
        for outcome in outcomes_of(batch)
        if first <= outcome.place < end and outcome.code in DONE
    ]
    inspector = wiring.backend().inspector(row.namespace)
    looks = [wiring.runner().run(inspector.get_many(ids[at : at + MAX_BATCH])) for at in range(0, len(ids), MAX_BATCH)]
    return count_canary([job for jobs in looks for job in jobs])
