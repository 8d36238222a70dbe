"""The load of queues as the API shows it to autoscalers."""

from __future__ import annotations

import msgspec

from jobs.domain.instant import instant
from jobs.domain.scaling import drain_s, rates, suggested_slots
from jobs.domain.status import Status
from jobs.services.scaling import Load, QueueLoad


class QueueLoadShape(msgspec.Struct, frozen=True, kw_only=True):
    """How far a queue is behind, and who serves it. Times in seconds, rates a second over the last full minute.

    `drain_s` is what is ready, divided by what went out; null while the queue is paused or nothing went out. A worker
    of several queues counts with all its `slots` in each.
    """

    queue: str
    ready: int
    running: int
    paused: bool
    oldest_age_s: float
    in_per_s: float
    out_per_s: float
    drain_s: float | None
    workers: int
    slots: int
    suggested_slots: int


class ScalingShape(msgspec.Struct, frozen=True, kw_only=True):
    """Queues by name at one instant."""

    server_time: str
    target_s: int
    data: tuple[QueueLoadShape, ...]


def scaling_shape(load: Load, target_s: int) -> ScalingShape:
    """Return the load, with what would begin all that is ready within `target_s`."""
    shapes = tuple(_shape(queue, load.server_time, target_s) for queue in load.queues)
    return ScalingShape(server_time=instant(load.server_time), target_s=target_s, data=shapes)


def _shape(load: QueueLoad, now_ms: int, target_s: int) -> QueueLoadShape:
    stats, crew = load.stats, load.crew
    coming, out = rates(stats)
    drain = drain_s(stats)
    return QueueLoadShape(
        queue=stats.name,
        ready=stats.total(Status.QUEUED),
        running=stats.total(Status.RUNNING),
        paused=stats.pause is not None,
        oldest_age_s=0.0 if stats.oldest_ready_at is None else max(0, now_ms - stats.oldest_ready_at) / 1000,
        in_per_s=round(coming, 3),
        out_per_s=round(out, 3),
        drain_s=None if drain is None else round(drain, 3),
        workers=crew.workers,
        slots=crew.slots,
        suggested_slots=suggested_slots(stats, crew.slots, target_s),
    )
