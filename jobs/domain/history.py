"""What a namespace did in a stretch of time: a minute, an hour, or whatever a chart shows as one point.

The store counts since the beginning; a moment is the difference of two readings. Percentiles are read from histograms
as Prometheus' `histogram_quantile` does: as if what is in a bucket lay evenly in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from jobs.domain.queue import Minute, QueueStats
from jobs.domain.status import Status

# Queues beyond so many in one moment, the busiest first, are added up under a name that no queue has.
MAX_QUEUES = 200
OTHERS = "*"
# Upper edges of the store's buckets in seconds; what is longer is counted under `inf`.
_EDGES = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

Buckets = dict[str, int]


class KindMoment(msgspec.Struct, array_like=True, omit_defaults=True):
    """Attempts of one kind: how they ended, how long they ran (s in all, and how many by upper edge)."""

    completed: int = 0
    failed: int = 0
    dead: int = 0
    retried: int = 0
    run_s: float = 0.0
    runs: Buckets = {}


class QueueMoment(msgspec.Struct, array_like=True, omit_defaults=True):
    """One queue: jobs that came in and went out, and the most that were seen ready and running, the oldest in s."""

    coming: int = 0
    gone: int = 0
    ready: int = 0
    running: int = 0
    oldest_s: float = 0.0


class Moment(msgspec.Struct, omit_defaults=True):
    """The whole namespace; `waits` are jobs that a worker took, by how long they had been ready (s)."""

    submitted: int = 0
    completed: int = 0
    failed: int = 0
    dead: int = 0
    retried: int = 0
    dead_unfailed: int = 0
    wait_s: float = 0.0
    waits: Buckets = {}
    kinds: dict[str, KindMoment] = {}
    queues: dict[str, QueueMoment] = {}

    def is_still(self) -> bool:
        """Say whether nothing happened and nothing was there."""
        return self == Moment()

    def runs(self) -> Buckets:
        """Return how long attempts of all kinds ran."""
        found: Buckets = {}
        for kind in self.kinds.values():
            found = _sum(found, kind.runs)
        return found


def of_minute(minute: Minute) -> Moment:
    """Return what the store's statistics of one minute tell."""
    queues = {name: QueueMoment(coming, gone) for name, (coming, gone) in minute.flows.items()}
    return Moment(
        submitted=minute.submitted,
        completed=minute.completed,
        failed=minute.failed,
        dead=minute.dead,
        retried=minute.retried,
        dead_unfailed=minute.dead_unfailed,
        queues=queues,
    )


def add_readings(moment: Moment, before: Mapping[str, float], now: Mapping[str, float]) -> None:
    """Put into a moment what kinds did and how long jobs waited: the difference of two readings of the totals."""
    for name, value in now.items():
        # A store that lost its counters began anew: what it has is what came since.
        earlier = before.get(name, 0.0)
        more = value - earlier if value >= earlier else value
        if more:
            _add_total(moment, name, more)


def add_standing(moment: Moment, queues: Iterable[QueueStats], now_ms: int) -> None:
    """Put into a moment how much is ready and running, and since when."""
    for queue in queues:
        ready, running = queue.total(Status.QUEUED), queue.total(Status.RUNNING)
        if not ready and not running:
            continue
        mine = moment.queues.setdefault(queue.name, QueueMoment())
        mine.ready, mine.running = ready, running
        if queue.oldest_ready_at is not None:
            mine.oldest_s = max(0, now_ms - queue.oldest_ready_at) / 1000


def bounded(moment: Moment) -> Moment:
    """Return the moment with at most MAX_QUEUES queues, and the rest as one."""
    if len(moment.queues) <= MAX_QUEUES:
        return moment
    busiest = sorted(moment.queues.items(), key=lambda item: (-item[1].coming - item[1].gone - item[1].ready, item[0]))
    kept = dict(busiest[:MAX_QUEUES])
    others = QueueMoment()
    for _, queue in busiest[MAX_QUEUES:]:
        others.coming += queue.coming
        others.gone += queue.gone
        others.ready += queue.ready
        others.running += queue.running
        others.oldest_s = max(others.oldest_s, queue.oldest_s)
    kept[OTHERS] = others
    return msgspec.structs.replace(moment, queues=kept)


def merge(into: Moment, moment: Moment) -> None:
    """Add a moment that follows: counts add up, of what stood there the highest counts."""
    for name in ("submitted", "completed", "failed", "dead", "retried", "dead_unfailed", "wait_s"):
        setattr(into, name, getattr(into, name) + getattr(moment, name))
    into.waits = _sum(into.waits, moment.waits)
    for name, kind in moment.kinds.items():
        mine = into.kinds.setdefault(name, KindMoment())
        mine.completed += kind.completed
        mine.failed += kind.failed
        mine.dead += kind.dead
        mine.retried += kind.retried
        mine.run_s += kind.run_s
        mine.runs = _sum(mine.runs, kind.runs)
    for name, queue in moment.queues.items():
        there = into.queues.setdefault(name, QueueMoment())
        there.coming += queue.coming
        there.gone += queue.gone
        there.ready = max(there.ready, queue.ready)
        there.running = max(there.running, queue.running)
        there.oldest_s = max(there.oldest_s, queue.oldest_s)


def quantile(buckets: Buckets, part: float) -> float | None:
    """Return the time (s) within which `part` (0–1) of all lie; None where there are none.

    What lies beyond the last edge is told as that edge.
    """
    total = sum(buckets.values())
    if not total:
        return None
    rank, reached, low = part * total, 0, 0.0
    for high in _EDGES:
        here = buckets.get(f"{high:g}", 0)
        if here and reached + here >= rank:
            return low + (high - low) * max(0.0, rank - reached) / here
        reached, low = reached + here, high
    return low


def _sum(one: Buckets, other: Buckets) -> Buckets:
    return {edge: one.get(edge, 0) + other.get(edge, 0) for edge in {**one, **other}}


def _add_total(moment: Moment, name: str, more: float) -> None:
    sort, _, label = name.partition(":")
    if name == "wait_sum":
        moment.wait_s += more
    elif sort == "wait_le":
        moment.waits = {**moment.waits, label: moment.waits.get(label, 0) + int(more)}
    elif sort == "dur_le":
        kind, _, edge = label.rpartition(":")
        mine = moment.kinds.setdefault(kind, KindMoment())
        mine.runs = {**mine.runs, edge: mine.runs.get(edge, 0) + int(more)}
    elif sort == "dur_sum":
        moment.kinds.setdefault(label, KindMoment()).run_s += more
    elif sort in ("completed", "failed", "dead", "retried") and label:
        kind_moment: Any = moment.kinds.setdefault(label, KindMoment())
        setattr(kind_moment, sort, getattr(kind_moment, sort) + int(more))
