"""How many jobs at a time a queue needs: what an autoscaler asks for. Pure arithmetic on numbers of one moment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.queue import QueueStats, WorkerRecord
from jobs.domain.status import Status

_MINUTE_S: Final = 60
_WORKING: Final = "running"


@dataclass(frozen=True, slots=True)
class Crew:
    """Who serves a queue: `workers` of them, which run `slots` jobs at a time, of all their queues together."""

    workers: int = 0
    slots: int = 0


def crews(workers: Iterable[WorkerRecord]) -> Mapping[str, Crew]:
    """Return who serves each queue that somebody serves. Workers that take nothing new, quiet or draining, do not."""
    found: dict[str, Crew] = {}
    for worker in workers:
        if worker.status != _WORKING:
            continue
        # Who reaches the store itself delivers webhooks too, and does not name their queue.
        own = (DELIVERY_QUEUE,) if worker.via == "store" else ()
        for queue in {*worker.queues, *own}:
            crew = found.get(queue, Crew())
            found[queue] = Crew(crew.workers + 1, crew.slots + worker.concurrency)
    return found


def rates(queue: QueueStats) -> tuple[float, float]:
    """Return how many jobs a second came in and went out in the last full minute."""
    return queue.submitted_per_minute / _MINUTE_S, queue.finished_per_minute / _MINUTE_S


def drain_s(queue: QueueStats) -> float | None:
    """Return the seconds that what is ready takes at the last minute's rate; None where that tells nothing."""
    ready = queue.total(Status.QUEUED)
    if not ready:
        return 0.0
    _, out = rates(queue)
    return None if queue.pause is not None or not out else ready / out


def suggested_slots(queue: QueueStats, slots: int, target_s: int) -> int:
    """Return how many jobs should run at a time for what is ready to be begun within `target_s`, arrivals included.

    A slot's own rate is what went out in the last minute, divided by what runs. Where nothing went out, nobody knows
    what a slot does: then it is at most twice the slots that there are. Never more than there are jobs, and never less
    than what runs; a paused queue needs no more than that.
    """
    ready, running = queue.total(Status.QUEUED), queue.total(Status.RUNNING)
    if not ready or queue.pause is not None:
        return running
    coming, out = rates(queue)
    wanted = math.ceil((coming + ready / target_s) * max(1, running) / out) if out else 2 * slots
    return max(running, 1, min(wanted, running + ready))
