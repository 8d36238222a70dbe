"""Queues as the tables show them: depth as a bar by priority, rates, age, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.dashboard.look import word_of
from jobs.domain.limit import LimitBy, LimitUse
from jobs.domain.priority import Priority
from jobs.domain.queue import Pause, QueueStats, WorkerRecord
from jobs.domain.scaling import drain_s
from jobs.domain.sharing import Share
from jobs.domain.status import Status


@dataclass(frozen=True, slots=True)
class Segment:
    """One priority's part of the bar; `start` and `width` are percent of the whole bar."""

    priority: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of a table of queues."""

    name: str
    ready: int
    running: int
    retrying: int
    scheduled: int
    dead: int
    completed: int
    segments: tuple[Segment, ...]
    oldest_ready_at: int | None
    in_rate: int
    out_rate: int
    pause: Pause | None
    has_workers: bool
    drain_ms: float | None  # what is ready at the last minute's rate; None where that tells nothing
    share: Share | None
    limit: LimitUse | None

    @property
    def depth_text(self) -> str:
        """Say the bar in words."""
        if not self.segments:
            return _("empty")
        return ", ".join(f"{segment.count} {word_of(segment.priority)}" for segment in self.segments)


def rows_of(
    queues: Sequence[QueueStats],
    workers: Sequence[WorkerRecord],
    shares: Mapping[str, Share] | None = None,
    limits: Sequence[LimitUse] = (),
) -> list[QueueRow]:
    """Return the lines: bars share one scale, the deepest queue fills its own. `shares` are the fair queues by name.

    Of `limits` those of queues count.
    """
    fair = shares or {}
    limited = {use.limit.name: use for use in limits if use.limit.by is LimitBy.QUEUE}
    served = {name for worker in workers for name in worker.queues}
    deepest = max((queue.total(Status.QUEUED) for queue in queues), default=0)
    return [
        _row(queue, deepest, fair.get(queue.name), limited.get(queue.name), has_workers=queue.name in served)
        for queue in queues
    ]


def row_of(queue: QueueStats, share: Share | None, limit: LimitUse | None, *, has_workers: bool) -> QueueRow:
    """Return one queue alone, whose depth fills its bar."""
    return _row(queue, queue.total(Status.QUEUED), share, limit, has_workers=has_workers)


def _row(
    queue: QueueStats, deepest: int, share: Share | None, limit: LimitUse | None, *, has_workers: bool
) -> QueueRow:
    return QueueRow(
        name=queue.name,
        ready=queue.total(Status.QUEUED),
        running=queue.total(Status.RUNNING),
        retrying=queue.total(Status.FAILED),
        scheduled=queue.total(Status.SCHEDULED),
        dead=queue.total(Status.DEAD_LETTER),
        completed=queue.total(Status.COMPLETED),
        segments=_segments(queue, deepest),
        oldest_ready_at=queue.oldest_ready_at,
        in_rate=queue.submitted_per_minute,
        out_rate=queue.finished_per_minute,
        pause=queue.pause,
        has_workers=has_workers,
        drain_ms=_drain_ms(queue),
        share=share,
        limit=limit,
    )


def _drain_ms(queue: QueueStats) -> float | None:
    needed_s = drain_s(queue)
    return needed_s * 1000 if needed_s else None


def _segments(queue: QueueStats, deepest: int) -> tuple[Segment, ...]:
    segments = []
    start = 0.0
    by_priority = queue.counts.get(Status.QUEUED, {})
    for priority in Priority:
        count = by_priority.get(priority, 0)
        if count and deepest:
            width = 100 * count / deepest
            segments.append(Segment(priority.value, count, round(start, 2), round(width, 2)))
            start += width
    return tuple(segments)
