"""All jobs of a namespace, newest first, read a few at a time: an export may take long and never much memory."""

from __future__ import annotations

from collections.abc import Iterator

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import Cursor
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.identity import parse_id
from jobs.domain.job import Job
from jobs.services.acts import record_act, require_audit_log
from jobs.services.reach import within

MAX_JOBS = 100_000
# With payload and result each may have half a megabyte.
_AT_ONCE = 20


def export_jobs(actor: Actor, namespace: str, *, before: str | None, limit: int) -> Iterator[list[Job]]:
    """Return an iterator over up to `limit` jobs, in lists; `before` is the id of the last one of the export before.

    Jobs have payload and result only for who may read them. Those that are submitted meanwhile are not among them.
    Raises NotPermitted, NotFound, or InvalidInput for what is no id; the iterator raises BackendUnavailable.
    """
    policy.authorize(actor, Action.NAMESPACE_EXPORT)
    there = within(actor, namespace)
    policy.authorize(there, Action.JOB_READ)
    place = None
    if before is not None:
        known = parse_id(before)
        if known is None:
            raise InvalidInput([Problem("?before", "invalid_id", "before must be the id of a job.")])
        place = Cursor(0, known)
    require_audit_log()
    pages = _pages(there, place, min(limit, MAX_JOBS))
    # The first page at once, so that a store that is away is told before the answer begins.
    first = next(pages, [])
    record_act(there, Action.NAMESPACE_EXPORT, "namespace", namespace, after={"before": before, "limit": limit})
    return _after(first, pages)


def _after(first: list[Job], rest: Iterator[list[Job]]) -> Iterator[list[Job]]:
    yield first
    yield from rest


def _pages(actor: Actor, place: Cursor | None, limit: int) -> Iterator[list[Job]]:
    inspector = wiring.backend().inspector(actor.namespace)
    may_read = policy.can(actor, Action.PAYLOAD_READ)
    left = limit
    while left > 0:
        listing = wiring.runner().run(inspector.list_jobs(None, None, place, min(_AT_ONCE, left)))
        whole = wiring.runner().run_many([inspector.get(job.id) for job in listing.jobs])
        found = [job for job in whole if job is not None]
        yield found if may_read else [job.without_content() for job in found]
        left -= len(listing.jobs)
        place = listing.after
        if place is None:
            return
