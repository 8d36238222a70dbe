"""What limits the kind of a job, and whether that may be why it waits."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.access.actor import Actor
from jobs.domain.job import Job
from jobs.domain.limit import Rate
from jobs.domain.status import Status
from jobs.services import limits


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit in numbers; `may_hold` tells that jobs of the kind are held back and this one may be among them."""

    concurrency: int | None
    rate: Rate | None
    running: int
    held: int
    set_by: str
    may_hold: bool


def limit_of(actor: Actor, job: Job) -> LimitView | None:
    """Return what limits the job's kind, None for nothing."""
    for use in limits.list_limits(actor):
        if use.limit.kind == job.kind:
            limit, may_hold = use.limit, job.status is Status.QUEUED and use.held > 0
            return LimitView(limit.concurrency, limit.rate, use.running, use.held, limit.set_by, may_hold)
    return None
