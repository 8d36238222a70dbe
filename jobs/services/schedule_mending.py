"""What is wrong with a schedule from outside, and is put right or noted by whoever makes it fire.

A database that was taken back to a copy has older revisions than the store, a store's clock that was ahead has left
marks behind it that are to come, and a row may say what nobody can read. None of it may keep other rows from firing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from django.db.models import Q, QuerySet

from jobs import wiring
from jobs.access.models import Namespace
from jobs.access.schedule import Schedule
from jobs.backends.schedules import Manner
from jobs.domain.errors import BackendUnavailable, IronForgeError
from jobs.domain.fire import REMOVED, ScheduleState
from jobs.services.schedule_rows import timing_of
from jobs.telemetry.logs import get_logger, log_event

# By so much clocks may differ; a mark that is further ahead comes from a clock that was wrong.
AHEAD_MS = 60_000
MAX_WAIT_MS = 300_000
_AT_ONCE = 100
_FAULT_LENGTH = 500
_log = get_logger("server")


def looked_at(now_ms: int) -> Q:
    """Return which rows do not wait; what waits for longer than anybody lets it has met another clock."""
    return Q(look_ms__lte=now_ms) | Q(look_ms__gt=now_ms + MAX_WAIT_MS)


def is_ahead(at_ms: int, now_ms: int) -> bool:
    """Tell whether a time that should be over is to come, by the store's clock and by that of this process."""
    return at_ms > max(now_ms, int(time.time() * 1000)) + AHEAD_MS


def mended(row: Schedule, state: ScheduleState) -> bool:
    """Put right what can be; True where something was, or others do so: the row has to be read again.

    Raises BackendUnavailable.
    """
    if state.revision > row.revision:
        _lift(row, state.revision)
        return True
    if is_ahead(max(state.mark_ms or 0, row.starts_ms, row.decided_ms), state.now_ms):
        _rewind(row, state)
        return True
    return False


def mend_clocks(rows: QuerySet[Schedule], now_ms: int) -> None:
    """Take schedules back that were left in the future, and so are not due. Raises BackendUnavailable."""
    border_ms = max(now_ms, int(time.time() * 1000)) + AHEAD_MS
    left = Q(decided_ms__gt=border_ms) | Q(starts_ms__gt=border_ms) | Q(anchor_ms__gt=border_ms)
    for row in rows.filter(looked_at(now_ms)).filter(left)[:_AT_ONCE]:
        try:
            state = wiring.runner().run(wiring.backend().schedules(row.namespace).state(row.id))
            if state.revision > row.revision:
                _lift(row, state.revision)
            else:
                _rewind(row, state)
        except BackendUnavailable:
            raise
        except Exception as failure:  # noqa: BLE001 - the others do not wait for this one
            note_broken(row, failure, now_ms)


def note_broken(row: Schedule, failure: Exception, now_ms: int) -> None:
    """Note why a row cannot fire, and let it wait, from two seconds to five minutes."""
    fault = failure.detail if isinstance(failure, IronForgeError) else str(failure).strip("\"'") or repr(failure)
    fault, failures = fault[:_FAULT_LENGTH], row.failures + 1
    look_ms = now_ms + min(1000 * 2 ** min(failures, 10), MAX_WAIT_MS)
    _unchanged(row).update(fault=fault, failures=failures, look_ms=look_ms)
    log_event(_log, "schedule.broken", level=logging.ERROR, schedule=row.name, namespace=row.namespace, detail=fault)


def let_wait(rows: Sequence[Schedule], look_ms: int) -> None:
    """Let rows wait whose part of the store does not answer, so that others have their turn."""
    Schedule.objects.filter(pk__in=[row.pk for row in rows]).update(look_ms=look_ms)


def _unchanged(row: Schedule) -> QuerySet[Schedule]:
    return Schedule.objects.filter(pk=row.pk, revision=row.revision)


def _lift(row: Schedule, revision: int) -> None:
    """Give a row a revision above the store's. Every change is in the database first: one that is older went back."""
    is_removed = revision >= REMOVED
    if is_removed and not Namespace.objects.filter(name=row.namespace, deleting_since__isnull=True).exists():
        return
    lifted = (row.revision if is_removed else revision) + 1
    if _unchanged(row).update(revision=lifted):
        log_event(
            _log, "schedule.lifted", level=logging.WARNING, schedule=row.name, namespace=row.namespace, revision=lifted
        )
        _amend(row, lifted, "revive" if is_removed else "keep")


def _rewind(row: Schedule, state: ScheduleState) -> None:
    """Let the instants of a row begin now, since they are decided up to a time that is to come."""
    now_ms, mark_ms = state.now_ms, state.mark_ms or 0
    if is_ahead(mark_ms, now_ms):
        _amend(row, row.revision, "rewind", mark_ms)
    anchor_ms = min(row.anchor_ms, now_ms)
    timing = replace(timing_of(row), anchor_ms=anchor_ms)
    changed = _unchanged(row).update(
        revision=row.revision + 1,
        anchor_ms=anchor_ms,
        starts_ms=min(row.starts_ms, now_ms),
        decided_ms=now_ms,
        next_ms=timing.next_after(now_ms),
    )
    if changed:
        log_event(
            _log, "schedule.rewound", level=logging.WARNING, schedule=row.name, namespace=row.namespace, mark_ms=mark_ms
        )
        _amend(row, row.revision + 1, "keep")


def _amend(row: Schedule, revision: int, manner: Manner, seen: int = 0) -> None:
    wiring.runner().run(wiring.backend().schedules(row.namespace).amend(row.id, revision, manner, seen))
