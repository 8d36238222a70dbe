"""Lists of jobs: filtered, paged by opaque cursors in both directions, and bounded in what one request looks at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH, Cursor, Listing
from jobs.domain.bulk_operation import error_group_of, error_type_of, has_error_text
from jobs.domain.identity import created_ms, last_id_of
from jobs.domain.job import Job
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services.job_cursor import ListPlace, read_place
from jobs.services.payload_search import with_payload

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
# What one request looks at, and for how long (s), before it answers with what it has.
MAX_LOOKED_AT = 10_000
LOOK_FOR_S = 1.0
# An id is made by a server's clock, and the time of submission by the store's. They differ by less than this (ms).
_CLOCKS_DIFFER_MS = 60_000


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What to list. Texts match literally and whole; `tags` are `name:value`; times are Unix ms, both inclusive.

    `error` is a part of the last error or of the reason of the end, `error_type` what dead letters are grouped by;
    `payload` are texts of `read_payload_match`, of which all must fit.
    """

    status: Status | None = None
    queue: str | None = None
    kind: str | None = None
    priority: Priority | None = None
    tags: tuple[str, ...] = ()
    error_type: str | None = None
    error: str | None = None
    payload: tuple[str, ...] = ()
    error_group: str | None = None
    created_after: int | None = None
    created_before: int | None = None

    @property
    def index_queue(self) -> str | None:
        """Return the queue if there is an index for it: of queued jobs only."""
        return self.queue if self.status is Status.QUEUED else None

    @property
    def is_indexed(self) -> bool:
        """Tell whether every job of the index passes."""
        return self == JobFilter(status=self.status, queue=self.index_queue)

    def passes(self, job: Job) -> bool:
        """Tell whether the job is wanted, as far as can be told without its payload."""
        return (
            (self.queue is None or job.queue == self.queue)
            and (self.kind is None or job.kind == self.kind)
            and (self.priority is None or job.priority is self.priority)
            and (self.error_type is None or error_type_of(job) == self.error_type)
            and (self.error is None or has_error_text(job, self.error))
            and (self.error_group is None or error_group_of(job) == self.error_group)
            and (self.created_after is None or job.created_at >= self.created_after)
            and (self.created_before is None or job.created_at <= self.created_before)
            and self._has_tags(job)
        )

    def _has_tags(self, job: Job) -> bool:
        if not self.tags:
            return True
        held = {f"{name}:{value}" for name, value in job.metadata.items()}
        return held.issuperset(self.tags)


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs without payload and result. The cursors are None where there is nothing more.

    `searched_newest` says that the search stopped after that many jobs; `next_cursor` goes on from there, or
    `prev_cursor` where the page was reached on the way back.
    """

    jobs: tuple[Job, ...]
    next_cursor: str | None
    prev_cursor: str | None
    searched_newest: int | None = None
    is_backwards: bool = False


def list_jobs(
    actor: Actor,
    wanted: JobFilter,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    *,
    look_for_s: float = LOOK_FOR_S,
) -> JobPage:
    """Return one page in the order of the status' index, of what is found in `look_for_s` and MAX_LOOKED_AT jobs.

    Raises NotPermitted, also for a condition on payloads that one may not read, or InvalidInput for a bad cursor.
    """
    policy.authorize(actor, Action.JOB_READ)
    if wanted.payload:
        policy.authorize(actor, Action.PAYLOAD_READ)
    start = read_place(cursor, wanted.status, wanted.index_queue)
    walk = _Walk(actor.namespace, wanted, start, max(1, min(limit, MAX_LIMIT)))
    walk.go(time.monotonic() + look_for_s)
    if start.is_backwards and not walk.found and not walk.is_cut:
        return list_jobs(actor, wanted, None, limit, look_for_s=look_for_s)
    return walk.page()


class _Walk:
    """Goes along an index until one job more than the page holds is found, the index ends or enough was looked at."""

    def __init__(self, namespace: str, wanted: JobFilter, start: ListPlace, limit: int) -> None:
        self._namespace = namespace
        self._wanted = wanted
        self._start = start
        self._limit = limit
        self._looked_at = 0
        self._reached: Cursor | None = start.after
        self.found: list[tuple[Job, Cursor]] = []
        self.is_cut = False

    def go(self, deadline: float) -> None:
        """Collect, until that time (of the monotonic clock) at the latest."""
        for listing in self._stretches(deadline):
            places = dict(zip([job.id for job in listing.jobs], listing.places, strict=True))
            passing = with_payload(
                self._namespace, [job for job in listing.jobs if self._wanted.passes(job)], self._wanted.payload
            )
            self.found += [(job, places[job.id]) for job in passing]
            self._reached = listing.after or self._reached
            if len(self.found) > self._limit:
                self.is_cut = False
                return

    def page(self) -> JobPage:
        """Return what was found, in the order of the index whichever way the walk went."""
        has_more = len(self.found) > self._limit
        kept = self.found[: self._limit]
        onward = kept[-1][1] if has_more else self._reached if self.is_cut else None
        back = kept[0][1] if kept else None
        if self._start.after is None:
            back = None
        if self._start.is_backwards:
            kept.reverse()
            next_place, prev_place = back, onward
        else:
            next_place, prev_place = onward, back
        return JobPage(
            jobs=tuple(job for job, _ in kept),
            next_cursor=self._token(next_place, is_backwards=False),
            prev_cursor=self._token(prev_place, is_backwards=True),
            searched_newest=self._looked_at if self.is_cut else None,
            is_backwards=self._start.is_backwards,
        )

    def _stretches(self, deadline: float) -> Iterator[Listing]:
        inspector = wiring.backend().inspector(self._namespace)
        after = self._start.after or self._first()
        size = min(self._limit + 1, MAX_BATCH) if self._wanted.is_indexed else MAX_BATCH
        while True:
            call = inspector.list_jobs(
                self._wanted.status, self._wanted.index_queue, after, size, backwards=self._start.is_backwards
            )
            listing = wiring.runner().run(call)
            self._looked_at += len(listing.jobs)
            is_last = listing.after is None or self._is_beyond(listing.after.job_id)
            self.is_cut = not is_last and (self._looked_at >= MAX_LOOKED_AT or time.monotonic() >= deadline)
            yield listing
            if is_last or self.is_cut:
                return
            after = listing.after

    def _first(self) -> Cursor | None:
        """Return where the times that are wanted begin: the index of all jobs is in the order of submission."""
        before = self._wanted.created_before
        if self._wanted.status is not None or before is None:
            return None
        return Cursor(0, last_id_of(before + _CLOCKS_DIFFER_MS))

    def _is_beyond(self, job_id: str) -> bool:
        """Tell whether nothing that comes after this job can be within the times that are wanted."""
        after, before = self._wanted.created_after, self._wanted.created_before
        if self._wanted.status is not None:
            return False
        if self._start.is_backwards:
            return before is not None and created_ms(job_id) > before + _CLOCKS_DIFFER_MS
        return after is not None and created_ms(job_id) < after - _CLOCKS_DIFFER_MS

    def _token(self, place: Cursor | None, *, is_backwards: bool) -> str | None:
        if place is None:
            return None
        return ListPlace(self._wanted.status, self._wanted.index_queue, place, is_backwards).token()
