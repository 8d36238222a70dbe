"""Walks through a list of jobs stretch by stretch, as a reader with a cursor does."""

from __future__ import annotations

from collections.abc import Callable

from jobs.backends.base import Cursor, Listing
from jobs.domain.status import Status
from tests.stores import Bench


def walk(
    bench: Bench,
    status: Status | None,
    queue: str | None = None,
    *,
    limit: int = 200,
    backwards: bool = False,
    between: Callable[[Listing], None] = lambda _: None,
) -> list[str]:
    """Return the ids of a whole list in its order; `between` is called with each stretch that has a successor."""
    found: list[str] = []
    after: Cursor | None = None
    for _ in range(1000):
        listing = bench.run(bench.inspector.list_jobs(status, queue, after, limit, backwards=backwards))
        assert len(listing.jobs) == len(listing.places) <= limit
        assert [job.id for job in listing.jobs] == [place.job_id for place in listing.places]
        found += [job.id for job in listing.jobs]
        after = listing.after
        if after is None:
            return found
        between(listing)
    raise AssertionError("the list does not end")
