"""Queues as the tables show them: depth as a bar by priority, rates, age, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.domain.priority import Priority
from jobs.domain.queue import Pause, QueueStats, WorkerRecord
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

    @property
    def depth_text(self) -> str:
        """Say the bar in words."""
        if not self.segments:
            return "empty"
        return ", ".join(f"{segment.count} {segment.priority}" for segment in self.segments)


def rows_of(queues: Sequence[QueueStats], workers: Sequence[WorkerRecord]) -> list[QueueRow]:
    """Return the lines: bars share one scale, the deepest queue fills its own."""
    served = {name for worker in workers for name in worker.queues}
    deepest = max((queue.total(Status.QUEUED) for queue in queues), default=0)
    return [_row(queue, deepest, has_workers=queue.name in served) for queue in queues]


def _row(queue: QueueStats, deepest: int, *, has_workers: bool) -> QueueRow:
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
    )


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
