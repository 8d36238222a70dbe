"""Queues and their numbers as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.limit_shapes import LimitShape, limit_shape
from jobs.api.shapes import PageShape
from jobs.domain.instant import instant
from jobs.domain.limit import LimitUse
from jobs.domain.priority import Priority
from jobs.domain.queue import Minute, QueueStats
from jobs.domain.sharing import Share
from jobs.domain.status import Status
from jobs.services.answers import Overview


class PauseShape(msgspec.Struct, frozen=True):
    """Who paused a queue, why and when."""

    by: str
    reason: str
    at: str


class FairShape(msgspec.Struct, frozen=True):
    """How the keys of a fair queue take turns: weights by key, or start of keys with a star; others have 1."""

    weights: dict[str, int]


class QueueShape(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. `depth` is ready jobs; `counts` holds jobs by status and priority.

    `fair` and `limit`, null where there is none, are told of one queue at its address, not in lists.
    """

    name: str
    depth: int
    running: int
    by_status: dict[str, int]
    counts: dict[str, dict[str, int]]
    oldest_age_ms: int | None
    paused: bool
    pause: PauseShape | None
    submitted_per_minute: int
    finished_per_minute: int
    fair: FairShape | msgspec.UnsetType | None = msgspec.UNSET
    limit: LimitShape | msgspec.UnsetType | None = msgspec.UNSET


class QueueListShape(msgspec.Struct, frozen=True):
    """All queues."""

    data: tuple[QueueShape, ...]
    page: PageShape = PageShape()


class MinuteShape(msgspec.Struct, frozen=True):
    """What the whole namespace did in one minute."""

    at: str
    submitted: int
    completed: int
    failed: int
    dead: int


class StatsShape(msgspec.Struct, frozen=True, kw_only=True):
    """The whole namespace at one instant."""

    server_time: str
    depth: int
    by_status: dict[str, int]
    by_priority: dict[str, int]
    dlq_depth: int
    active_workers: int
    submitted_total: int
    completed_total: int
    failed_total: int
    queues: tuple[QueueShape, ...]
    minutes: tuple[MinuteShape, ...]


class PurgedShape(msgspec.Struct, frozen=True):
    """A finished purge."""

    purged: int


def fair_shape(share: Share | None) -> FairShape | None:
    """Return how a queue is shared."""
    return None if share is None else FairShape(dict(share.weights))


def queue_shape(queue: QueueStats, now_ms: int) -> QueueShape:
    """Return a queue as it is at `now_ms` of the store's clock."""
    pause = queue.pause
    return QueueShape(
        name=queue.name,
        depth=queue.total(Status.QUEUED),
        running=queue.total(Status.RUNNING),
        by_status={status.value: queue.total(status) for status in Status},
        counts={
            status.value: {level.value: number for level, number in by_priority.items()}
            for status, by_priority in queue.counts.items()
        },
        oldest_age_ms=None if queue.oldest_ready_at is None else max(0, now_ms - queue.oldest_ready_at),
        paused=pause is not None,
        pause=None if pause is None else PauseShape(pause.by, pause.reason, instant(pause.at)),
        submitted_per_minute=queue.submitted_per_minute,
        finished_per_minute=queue.finished_per_minute,
    )


def whole_queue_shape(queue: QueueShape, share: Share | None, limit: LimitUse | None) -> QueueShape:
    """Return a queue with how its keys take turns and what limits it."""
    shown = None if limit is None else limit_shape(limit)
    return msgspec.structs.replace(queue, fair=fair_shape(share), limit=shown)


def queue_list_shape(overview: Overview) -> QueueListShape:
    """Return all queues."""
    return QueueListShape(tuple(queue_shape(queue, overview.server_time) for queue in overview.queues))


def stats_shape(overview: Overview, active_workers: int) -> StatsShape:
    """Return the numbers of the whole namespace."""
    by_status = {status.value: sum(queue.total(status) for queue in overview.queues) for status in Status}
    by_priority = {
        level.value: sum(queue.counts.get(Status.QUEUED, {}).get(level, 0) for queue in overview.queues)
        for level in Priority
    }
    return StatsShape(
        server_time=instant(overview.server_time),
        depth=by_status[Status.QUEUED],
        by_status=by_status,
        by_priority=by_priority,
        dlq_depth=by_status[Status.DEAD_LETTER],
        active_workers=active_workers,
        submitted_total=_sum_of(overview, "submitted"),
        completed_total=_sum_of(overview, "completed"),
        failed_total=_sum_of(overview, "failed"),
        queues=queue_list_shape(overview).data,
        minutes=tuple(_minute_shape(minute) for minute in overview.minutes),
    )


def _minute_shape(minute: Minute) -> MinuteShape:
    return MinuteShape(instant(minute.at), minute.submitted, minute.completed, minute.failed, minute.dead)


def _sum_of(overview: Overview, name: str) -> int:
    return int(sum(value for key, value in overview.totals.items() if key.startswith(f"{name}:")))
