"""Lists of jobs: filtered, paged by opaque cursors in both directions, and bounded in what one request looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH, Cursor
from jobs.domain.job import Job
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services.job_cursor import ListPlace, read_place

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What to list. Texts match literally and whole; `tags` are `name:value`; times are Unix ms, both inclusive."""

    status: Status | None = None
    queue: str | None = None
    kind: str | None = None
    priority: Priority | None = None
    tags: tuple[str, ...] = ()
    error_type: str | None = None
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
        """Tell whether the job is wanted."""
        return (
            (self.queue is None or job.queue == self.queue)
            and (self.kind is None or job.kind == self.kind)
            and (self.priority is None or job.priority is self.priority)
            and (self.error_type is None or (job.error is not None and job.error.type == self.error_type))
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

    `searched_newest` says that the search stopped after that many jobs; `next_cursor` goes on from there.
    """

    jobs: tuple[Job, ...]
    next_cursor: str | None
    prev_cursor: str | None
    searched_newest: int | None = None


def list_jobs(actor: Actor, wanted: JobFilter, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> JobPage:
    """Return one page in the order of the status' index. Raises NotPermitted, or InvalidInput for a bad cursor."""
    policy.authorize(actor, Action.JOB_READ)
    start = read_place(cursor, wanted.status, wanted.index_queue)
    walk = _Walk(actor.namespace, wanted, start, max(1, min(limit, MAX_LIMIT)))
    walk.go()
    if start.is_backwards and not walk.found and not walk.is_cut:
        return list_jobs(actor, wanted, None, limit)
    return walk.page()


class _Walk:
    """Goes along an index until one job more than the page holds is found, the index ends or enough was looked at."""

    def __init__(self, namespace: str, wanted: JobFilter, start: ListPlace, limit: int) -> None:
        self._inspector = wiring.backend().inspector(namespace)
        self._wanted = wanted
        self._start = start
        self._limit = limit
        self._looked_at = 0
        self._reached: Cursor | None = start.after
        self.found: list[tuple[Job, Cursor]] = []
        self.is_cut = False

    def go(self) -> None:
        """Collect."""
        for job, place in self._rows():
            self._reached = place
            if self._wanted.passes(job):
                self.found.append((job, place))
            if len(self.found) > self._limit:
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
        )

    def _rows(self) -> Iterator[tuple[Job, Cursor]]:
        after = self._start.after
        size = min(self._limit + 1, MAX_BATCH) if self._wanted.is_indexed else MAX_BATCH
        while True:
            call = self._inspector.list_jobs(
                self._wanted.status, self._wanted.index_queue, after, size, backwards=self._start.is_backwards
            )
            listing = wiring.runner().run(call)
            self._looked_at += len(listing.jobs)
            yield from zip(listing.jobs, listing.places, strict=True)
            if listing.after is None:
                return
            after = listing.after
            if self._looked_at >= MAX_LOOKED_AT:
                self.is_cut = True
                return

    def _token(self, place: Cursor | None, *, is_backwards: bool) -> str | None:
        if place is None:
            return None
        return ListPlace(self._wanted.status, self._wanted.index_queue, place, is_backwards).token()
