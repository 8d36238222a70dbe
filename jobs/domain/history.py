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

# Queues and kinds beyond so many in one moment, the busiest first, are added up under a name that none of them has:
# whoever looks at three days reads 4 320 moments.
MAX_QUEUES = 200
MAX_KINDS = 100
OTHERS = "*"
# Upper edges of the store's buckets in seconds; what is longer is counted under `inf`.
_EDGES = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
# What the store counts beside the totals.
_DETAILS = ("kind_wait:", "queue_")

Buckets = dict[str, int]


class KindMoment(msgspec.Struct, array_like=True, omit_defaults=True):
    """Attempts of one kind: how they ended, how long they ran (s in all, and how many by upper edge) and waited."""

    completed: int = 0
    failed: int = 0
    dead: int = 0
    retried: int = 0
    run_s: float = 0.0
    runs: Buckets = {}
    waits: Buckets = {}


class QueueMoment(msgspec.Struct, array_like=True, omit_defaults=True):
    """One queue: jobs that came in and went out, and the most that were seen ready and running, the oldest in s.

    Of its attempts how they ended, how long the jobs had waited and how long they ran; `retried` are of `failed`.
    """

    coming: int = 0
    gone: int = 0
    ready: int = 0
    running: int = 0
    oldest_s: float = 0.0
    completed: int = 0
    failed: int = 0
    retried: int = 0
    waits: Buckets = {}
    runs: Buckets = {}


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
        """Return how long attempts ran: of all kinds, or of the queue if that is all it tells of."""
        found: Buckets = {}
        for part in self.kinds.values() or self.queues.values():
            _add_buckets(found, part.runs)
        return found


def of_queue(moment: Moment, name: str) -> Moment:
    """Return what a moment tells of one queue alone: neither deaths nor kinds."""
    mine = moment.queues.get(name, QueueMoment())
    return Moment(mine.coming, mine.completed, mine.failed, retried=mine.retried, waits=mine.waits, queues={name: mine})


def of_kind(moment: Moment, name: str) -> Moment:
    """Return what a moment tells of one kind alone: no queues, nor what was submitted."""
    mine = moment.kinds.get(name, KindMoment())
    ends = (mine.completed, mine.failed, mine.dead, mine.retried)
    return Moment(0, *ends, waits=mine.waits, kinds={name: mine})


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
    has_details = _tells(before, "kind_wait:") or not _tells(before, "wait_le:")
    for name, value in now.items():
        if not has_details and name.startswith(_DETAILS):
            # An older version took the first reading, without them: since when they count is not known.
            continue
        # A store that lost its counters began anew: what it has is what came since.
        earlier = before.get(name, 0.0)
        more = value - earlier if value >= earlier else value
        if more:
            _add_total(moment, name, more)


def _tells(reading: Mapping[str, float], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in reading)


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
    """Return the moment with at most MAX_QUEUES queues and MAX_KINDS kinds, and the rest of each as one."""
    return msgspec.structs.replace(moment, queues=_few_queues(moment.queues), kinds=_few_kinds(moment.kinds))


def _few_queues(queues: dict[str, QueueMoment]) -> dict[str, QueueMoment]:
    if len(queues) <= MAX_QUEUES:
        return queues
    busiest = sorted(queues.items(), key=lambda item: (-item[1].coming - item[1].gone - item[1].ready, item[0]))
    others = QueueMoment()
    for _, queue in busiest[MAX_QUEUES:]:
        _add_queue(others, queue)
        others.ready += queue.ready
        others.running += queue.running
    return {**dict(busiest[:MAX_QUEUES]), OTHERS: others}


def _few_kinds(kinds: dict[str, KindMoment]) -> dict[str, KindMoment]:
    if len(kinds) <= MAX_KINDS:
        return kinds
    busiest = sorted(kinds.items(), key=lambda item: (-item[1].completed - item[1].failed - item[1].dead, item[0]))
    others = KindMoment()
    for _, kind in busiest[MAX_KINDS:]:
        _add_kind(others, kind)
    return {**dict(busiest[:MAX_KINDS]), OTHERS: others}


def merge(into: Moment, moment: Moment) -> None:
    """Add a moment that follows: counts add up, of what stood there the highest counts."""
    for name in ("submitted", "completed", "failed", "dead", "retried", "dead_unfailed", "wait_s"):
        setattr(into, name, getattr(into, name) + getattr(moment, name))
    _add_buckets(into.waits, moment.waits)
    for name, kind in moment.kinds.items():
        _add_kind(into.kinds.get(name) or _kind(into, name), kind)
    for name, queue in moment.queues.items():
        there = into.queues.get(name) or _queue(into, name)
        _add_queue(there, queue)
        there.ready = max(there.ready, queue.ready)
        there.running = max(there.running, queue.running)


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


def _add_kind(into: KindMoment, kind: KindMoment) -> None:
    into.completed += kind.completed
    into.failed += kind.failed
    into.dead += kind.dead
    into.retried += kind.retried
    into.run_s += kind.run_s
    _add_buckets(into.runs, kind.runs)
    _add_buckets(into.waits, kind.waits)


def _add_queue(into: QueueMoment, queue: QueueMoment) -> None:
    """Add what happened; of the age of the oldest the highest counts. How much stands there is left to the caller."""
    into.coming += queue.coming
    into.gone += queue.gone
    into.oldest_s = max(into.oldest_s, queue.oldest_s)
    into.completed += queue.completed
    into.failed += queue.failed
    into.retried += queue.retried
    _add_buckets(into.waits, queue.waits)
    _add_buckets(into.runs, queue.runs)


def _add_buckets(into: Buckets, more: Buckets) -> None:
    for edge, number in more.items():
        into[edge] = into.get(edge, 0) + number


def _add_total(moment: Moment, name: str, more: float) -> None:
    sort, _, label = name.partition(":")
    whom, _, edge = label.rpartition(":")
    if name == "wait_sum":
        moment.wait_s += more
    elif sort == "wait_le":
        _add_buckets(moment.waits, {label: int(more)})
    elif sort == "dur_le":
        _add_buckets(_kind(moment, whom).runs, {edge: int(more)})
    elif sort == "kind_wait":
        _add_buckets(_kind(moment, whom).waits, {edge: int(more)})
    elif sort == "dur_sum":
        _kind(moment, label).run_s += more
    elif sort in ("completed", "failed", "dead", "retried") and label:
        mine: Any = _kind(moment, label)
        setattr(mine, sort, getattr(mine, sort) + int(more))
    elif sort.startswith("queue_") and label:
        _add_of_queue(moment, sort, label, int(more))


def _add_of_queue(moment: Moment, sort: str, label: str, more: int) -> None:
    whom, _, edge = label.rpartition(":")
    if sort == "queue_wait":
        _add_buckets(_queue(moment, whom).waits, {edge: more})
    elif sort == "queue_run":
        _add_buckets(_queue(moment, whom).runs, {edge: more})
        # Every attempt that ran completed, failed or put its job off; the store counts the latter two only.
        _queue(moment, whom).completed += more
    elif sort == "queue_failed":
        _queue(moment, label).failed += more
        _queue(moment, label).completed -= more
    elif sort == "queue_snoozed":
        _queue(moment, label).completed -= more
    elif sort == "queue_retried":
        _queue(moment, label).retried += more


def _kind(moment: Moment, name: str) -> KindMoment:
    return moment.kinds.setdefault(name, KindMoment())


def _queue(moment: Moment, name: str) -> QueueMoment:
    return moment.queues.setdefault(name, QueueMoment())
