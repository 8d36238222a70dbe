"""How far an operation is, as the faces show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.utils import timezone

from jobs.access.operation import Operation
from jobs.domain.bulk_operation import Canary, CanaryCount, Selection
from jobs.domain.priority import Priority
from jobs.services.operation_canary import pace_of
from jobs.services.operation_states import ACTIVE, ENDED, PURGE


@dataclass(frozen=True, slots=True)
class OperationDetails:
    """An operation. `total` is how many jobs it takes: None for a purge, whose number is known only at its end, and it
    grows while they are searched. `rate` is jobs a second, `estimate_s` until the end: None where nobody can say.
    `pace_now` is the present bound in jobs a second, None for none. `failures` counts steps that failed in a row, of
    which `error` is the last.
    """

    id: str
    action: str
    queue: str | None
    priority: Priority | None
    selection: Selection | None
    status: str
    is_preview: bool
    total: int | None
    is_cut: bool
    looked_at: int
    taken: int
    done: int
    skipped: int
    failed: int
    counts: tuple[tuple[str, str, int], ...]
    pace_per_s: int | None
    pace_now: float | None
    rate: float | None
    estimate_s: float | None
    canary: Canary | None
    canary_count: CanaryCount | None
    watched_until: datetime | None
    stop_reason: str
    failures: int
    error: str
    is_stopping: bool
    reason: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more happens to it."""
        return self.status in ENDED


def details_of(row: Operation) -> OperationDetails:
    """Return a row as the faces show it."""
    rate = _rate_of(row)
    return OperationDetails(
        id=row.id,
        action=row.action,
        queue=row.queue or None,
        priority=Priority(row.priority) if row.priority else None,
        selection=msgspec.convert(row.selection, Selection) if row.selection is not None else None,
        status=row.status,
        is_preview=row.is_preview,
        total=None if row.action == PURGE else row.matched,
        is_cut=row.is_cut,
        looked_at=row.looked_at,
        taken=row.taken,
        done=row.done,
        skipped=row.skipped,
        failed=row.failed,
        counts=tuple((queue, kind, number) for queue, kind, number in row.counts),
        pace_per_s=row.pace_per_s,
        pace_now=pace_of(row),
        rate=rate,
        estimate_s=(row.matched - row.taken) / rate if rate and row.status == "running" else None,
        canary=msgspec.convert(row.canary, Canary) if row.canary else None,
        canary_count=msgspec.convert(row.canary_count, CanaryCount) if row.canary_count else None,
        watched_until=row.watched_until if row.status == "watching" else None,
        stop_reason=row.stop_reason,
        failures=row.failures,
        error=row.error,
        is_stopping=bool(row.wanted) and row.status in ACTIVE,
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _rate_of(row: Operation) -> float | None:
    if row.status != "running" or row.paced_since is None or row.taken <= row.paced_from:
        return None
    elapsed_s = (timezone.now() - row.paced_since).total_seconds()
    return (row.taken - row.paced_from) / elapsed_s if elapsed_s > 0 else None
