"""Finds the jobs of a bulk operation before any of them is touched, a stretch of an index at a time.

The indexes are walked from their old end, so that a job that comes back later stands behind, and is seen to be later.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from jobs import wiring
from jobs.backends.base import LOWEST_FIRST, MAX_BATCH, Cursor
from jobs.domain.bulk_operation import ACTS_ON, BulkAction, Selection, was_there
from jobs.domain.job import Job
from jobs.domain.status import Status
from jobs.services.payload_search import with_payload

# What one step looks at, and the most that it takes (s).
MAX_LOOKED_AT = 10_000
_STEP_S = 1.0
# Pairs of queue and kind that are counted by name; the rest is counted together.
MAX_PAIRS = 500
_REST = ("*", "*")
# Walks that a job cannot overtake: these statuses have an index of their own, in which nobody moves about.
_INDEXED = frozenset({Status.QUEUED, Status.SCHEDULED, Status.FAILED, Status.DEAD_LETTER})


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch: the ids that are meant, how many jobs were looked at, and where to go on (None: all is searched)."""

    jobs: tuple[Job, ...]
    looked_at: int
    place: str | None


def search(namespace: str, action: BulkAction, wanted: Selection, until_ms: int, place: str) -> Found:
    """Return the next jobs that the action is meant for. Raises BackendUnavailable."""
    statuses = ACTS_ON[action] if wanted.status is None else frozenset({wanted.status})
    status = next(iter(statuses)) if len(statuses) == 1 else None
    index = status if status in _INDEXED else None
    queue = wanted.queue if index is Status.QUEUED else None
    inspector, after = wiring.backend().inspector(namespace), _cursor(place)
    found: list[Job] = []
    looked_at, deadline = 0, time.monotonic() + _STEP_S
    while looked_at < MAX_LOOKED_AT and time.monotonic() < deadline:
        call = inspector.list_jobs(index, queue, after, MAX_BATCH, backwards=index not in LOWEST_FIRST)
        listing = wiring.runner().run(call)
        looked_at += len(listing.jobs)
        passing = [
            job for job in listing.jobs if job.status in statuses and was_there(job, until_ms) and wanted.passes(job)
        ]
        found += with_payload(namespace, passing, wanted.payload)
        after = listing.after
        if after is None:
            return Found(tuple(found), looked_at, None)
    return Found(tuple(found), looked_at, f"{after.score!r} {after.job_id}" if after else place)


def counted(counts: list[list[object]], jobs: tuple[Job, ...]) -> list[list[object]]:
    """Return the numbers by queue and kind with these jobs among them, as a row keeps them."""
    numbers = {(str(queue), str(kind)): int(str(number)) for queue, kind, number in counts}
    for job in jobs:
        pair = (job.queue, job.kind)
        pair = pair if pair in numbers or len(numbers) < MAX_PAIRS else _REST
        numbers[pair] = numbers.get(pair, 0) + 1
    return [[queue, kind, number] for (queue, kind), number in numbers.items()]


def _cursor(place: str) -> Cursor | None:
    score, _, job_id = place.partition(" ")
    return Cursor(float(score), job_id) if job_id else None
