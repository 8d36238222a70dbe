"""What tells of the end of a job: a job of a reserved kind, in a reserved queue of the same shard."""

from __future__ import annotations

import msgspec

from jobs.domain.instant import instant
from jobs.domain.job import Job
from jobs.domain.job_document import JobShape, job_shape
from jobs.domain.status import Status


class Delivery(msgspec.Struct, frozen=True):
    """The payload of a delivery, written by scripts: which end is told (`at` in Unix ms), and to whom.

    Without a URL it is for the namespace's webhook.
    """

    job_id: str
    kind: str
    queue: str
    status: Status
    at: int
    url: str | None = None


class EndedShape(msgspec.Struct, frozen=True):
    """What is left of a job that was removed before its end could be told."""

    id: str
    kind: str
    queue: str
    status: Status
    finished_at: str


class EventShape(msgspec.Struct, frozen=True):
    """The body that a webhook gets; `type` is `job.completed`, `job.dead_letter` or `job.cancelled`."""

    type: str
    timestamp: str
    data: JobShape | EndedShape


def event_of(delivery: Delivery, job: Job | None) -> EventShape:
    """Return what is told of an end, given the job as it is by now: it may be gone, or have been re-injected."""
    at = instant(delivery.at)
    data: JobShape | EndedShape
    if job is None:
        data = EndedShape(delivery.job_id, delivery.kind, delivery.queue, delivery.status, at)
    else:
        if job.status is not delivery.status:
            job = msgspec.structs.replace(job, status=delivery.status, finished_at=delivery.at)
        data = job_shape(job, is_whole=False)
    return EventShape(f"job.{delivery.status}", at, data)
