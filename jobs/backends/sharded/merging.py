"""Makes one answer of those of several shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from jobs.backends.base import Cursor, Listing
from jobs.backends.overview import Overview
from jobs.domain.circuit import CircuitState, worst_of
from jobs.domain.job import Job
from jobs.domain.priority import Priority
from jobs.domain.queue import Minute, QueueStats
from jobs.domain.status import Status

_Place = tuple[float, str]


def merged_listing(listings: Sequence[Listing], limit: int, *, is_falling: bool) -> Listing:
    """Return the first `limit` jobs of all. Each listing has as many, or all that there are of its shard.

    Behind the end of a listing that goes on nothing is known, whatever the others hold there.
    """
    ends = [_place(listing.after) for listing in listings if listing.after is not None]
    horizon = (max if is_falling else min)(ends, default=None)
    entries: list[tuple[_Place, Job]] = []
    for listing in listings:
        entries += [(_place(at), job) for at, job in zip(listing.places, listing.jobs, strict=True)]
    entries.sort(key=lambda entry: entry[0], reverse=is_falling)
    if horizon is not None:
        entries = [entry for entry in entries if (entry[0] >= horizon if is_falling else entry[0] <= horizon)]
    kept = entries[:limit]
    end = kept[-1][0] if len(entries) > limit else horizon
    places = tuple(Cursor(*place) for place, _ in kept)
    return Listing(tuple(job for _, job in kept), Cursor(*end) if end is not None else None, places)


def merged_queue(answers: Sequence[tuple[int, QueueStats | None]]) -> tuple[int, QueueStats | None]:
    """Return the latest clock, and the queue as all shards together have it."""
    known = [stats for _, stats in answers if stats is not None]
    return max(now for now, _ in answers), _together(known) if known else None


def merged_overview(overviews: Sequence[Overview]) -> Overview:
    """Return the sums; the clock is the latest."""
    by_name: dict[str, list[QueueStats]] = {}
    by_minute: dict[int, list[Minute]] = {}
    totals: Counter[str] = Counter()
    circuits: dict[str, CircuitState] = {}
    for overview in overviews:
        for stats in overview.queues:
            by_name.setdefault(stats.name, []).append(stats)
        for minute in overview.minutes:
            by_minute.setdefault(minute.at, []).append(minute)
        totals.update(overview.totals)
        for kind, state in overview.circuits.items():
            circuits[kind] = worst_of((state, circuits.get(kind, state)))
    # Shards on either side of a minute's end show one minute more together; the newest are wanted.
    wanted = len(overviews[0].minutes)
    minutes = [_sum(by_minute[at]) for at in sorted(by_minute)]
    return Overview(
        server_time=max(overview.server_time for overview in overviews),
        queues=tuple(_together(by_name[name]) for name in sorted(by_name)),
        minutes=tuple(minutes[len(minutes) - wanted :]),
        totals=dict(totals),
        circuits=circuits,
    )


def _place(cursor: Cursor) -> _Place:
    return cursor.score, cursor.job_id


def _together(parts: Sequence[QueueStats]) -> QueueStats:
    """Return one queue of its parts. It is paused if any part is: a pause reaches one shard after the other."""
    pauses = [part.pause for part in parts if part.pause is not None]
    return QueueStats(
        name=parts[0].name,
        counts=_summed(part.counts for part in parts),
        oldest_ready_at=min((part.oldest_ready_at for part in parts if part.oldest_ready_at is not None), default=None),
        pause=min(pauses, key=lambda pause: pause.at, default=None),
        submitted_per_minute=sum(part.submitted_per_minute for part in parts),
        finished_per_minute=sum(part.finished_per_minute for part in parts),
    )


def _summed(parts: Iterable[dict[Status, dict[Priority, int]]]) -> dict[Status, dict[Priority, int]]:
    counts: dict[Status, dict[Priority, int]] = {}
    for part in parts:
        for status, by_priority in part.items():
            here = counts.setdefault(status, {})
            for priority, number in by_priority.items():
                here[priority] = here.get(priority, 0) + number
    return counts


def _sum(minutes: Sequence[Minute]) -> Minute:
    numbers = [msgspec.structs.astuple(minute)[1:-1] for minute in minutes]
    flows: dict[str, tuple[int, int]] = {}
    for minute in minutes:
        for queue, (coming, gone) in minute.flows.items():
            before = flows.get(queue, (0, 0))
            flows[queue] = (before[0] + coming, before[1] + gone)
    summed = Minute(minutes[0].at, *(sum(column) for column in zip(*numbers, strict=True)))
    return msgspec.structs.replace(summed, flows=flows)
