"""What tells of the end of a job: a job of a reserved kind, in a reserved queue of the same shard."""

from __future__ import annotations

import re

import msgspec

from jobs.domain.identity import parse_id
from jobs.domain.instant import instant
from jobs.domain.job import Attempt, Job
from jobs.domain.job_document import JobShape, job_shape
from jobs.domain.status import Status
from jobs.domain.workflow import WorkflowStatus

_HTTP_STATUS = re.compile(r"http_(\d{3})")


class WorkflowEndedShape(msgspec.Struct, frozen=True):
    """The end of a run of a workflow, and how many of its steps ended how."""

    workflow_id: str
    name: str
    status: WorkflowStatus
    steps: int
    completed: int
    dead_letter: int
    cancelled: int


class Delivery(msgspec.Struct, frozen=True):
    """The payload of a delivery, written by scripts: which end is told (`at` in Unix ms), and to whom.

    Without a URL it is for the namespace's webhook. `message_id` is that of an earlier delivery of the same end, which
    receivers know it by; without one it is the delivery's own id.
    """

    job_id: str
    kind: str
    queue: str
    status: Status
    at: int
    url: str | None = None
    message_id: str | None = None
    workflow: WorkflowEndedShape | None = None


class EndedShape(msgspec.Struct, frozen=True):
    """What is left of a job that was removed before its end could be told."""

    id: str
    kind: str
    queue: str
    status: Status
    finished_at: str


class EventShape(msgspec.Struct, frozen=True):
    """The body that a webhook gets; `type` is `job.completed`, `job.dead_letter` or `job.cancelled`, or
    `workflow.completed`, `workflow.failed` or `workflow.cancelled`."""

    type: str
    timestamp: str
    data: JobShape | EndedShape | WorkflowEndedShape


def event_of(delivery: Delivery, job: Job | None) -> EventShape:
    """Return what is told of an end, given the job as it is by now: it may be gone, or have been re-injected."""
    at = instant(delivery.at)
    if delivery.workflow is not None:
        return EventShape(f"workflow.{delivery.workflow.status}", at, delivery.workflow)
    data: JobShape | EndedShape
    if job is None:
        data = EndedShape(delivery.job_id, delivery.kind, delivery.queue, delivery.status, at)
    else:
        if job.status is not delivery.status:
            job = msgspec.structs.replace(job, status=delivery.status, finished_at=delivery.at)
        data = job_shape(job, is_whole=False)
    return EventShape(f"job.{delivery.status}", at, data)


def message_id_of(delivery: Delivery, own_id: str) -> str:
    """Return the `webhook-id` that receivers know a delivery by. What is no id is none: a payload can be edited."""
    return parse_id(delivery.message_id or "") or own_id


def answer_to(attempt: Attempt, result: bytes | None) -> tuple[int | None, str | None]:
    """Return the HTTP status that an attempt got, and the beginning of the answer or why there is none.

    `result` is that of the delivery, JSON text; a status of None: nothing came back, or it is not known yet.
    """
    if attempt.error is not None:
        found = _HTTP_STATUS.fullmatch(attempt.error.type)
        return int(found[1]) if found else None, attempt.error.message
    if attempt.outcome != "completed" or not result:
        return None, None
    try:
        delivered = msgspec.json.decode(result, type=_Delivered)
    except msgspec.MsgspecError:
        return None, None
    return delivered.status_code, delivered.answer


class _Delivered(msgspec.Struct):
    status_code: int
    answer: str
