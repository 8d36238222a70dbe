"""What can be asked of IronForge, each once, for both clients: a request, and what is read from its answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypedDict
from urllib.parse import quote

from ironforge_client.errors import BulkInterrupted, ConnectionFailed, IronForgeError, Unavailable, WaitTimeout
from ironforge_client.exchange import JSON_TYPE, Act, Pause, Request, Retrying, encode, exchange
from ironforge_client.jobs import Job, LogLine, SubmittedJob, read_job, read_line, read_submitted
from ironforge_client.queues import Queue, WorkerRecord, read_queue, read_worker
from ironforge_client.submission import BulkItem, BulkResult, NewJob, atomic_bodies, bulk_bodies, job_text, read_items

# How long one request waits for the end of a job; the server allows 30.
LONGEST_POLL_S = 20
ORDERS = ("quiet", "resume", "terminate")
LINES_TYPE = "application/x-ndjson"
# In place of a payload: leave it as it is.
UNCHANGED: Any = object()
_KEY = "Idempotency-Key"
_WITHOUT_END = 2**31
# Within the last second of a wait the server is asked this often; it counts in whole seconds.
_LAST_LOOKS_S = 0.1


class JobFilter(TypedDict, total=False):
    """Which jobs to list; all given conditions hold. Times have a zone; a job has all the tags in `metadata`.

    `payload` are conditions such as `order.id:42`, `error` is a part of the last error's text.
    """

    status: str | None
    queue: str | None
    kind: str | None
    priority: str | None
    metadata: Mapping[str, str] | None
    error_type: str | None
    error: str | None
    payload: Sequence[str] | None
    error_group: str | None
    created_after: datetime | None
    created_before: datetime | None


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of a list; `next_cursor` is None on the last one."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


def submit(job: NewJob, idempotency_key: str | None, retrying: Retrying) -> Act[SubmittedJob]:
    """Submit a job; the key makes it safe to send it again after a lost answer."""
    headers = {"Content-Type": JSON_TYPE, _KEY: idempotency_key or str(uuid.uuid4())}
    request = Request("POST", "/jobs", body=job_text(job), headers=headers, is_repeatable=True)
    answer = yield from exchange(request, retrying)
    return read_submitted(answer.document(), is_replayed=answer.status == 200)


def submit_many(
    jobs: Iterable[NewJob], idempotency_key: str | None, retrying: Retrying, *, is_atomic: bool
) -> Act[BulkResult]:
    """Submit any number of jobs in as many requests as that takes. Raises BulkInterrupted after the first of them."""
    key = idempotency_key or str(uuid.uuid4())
    items: list[BulkItem] = []
    for body in atomic_bodies(jobs) if is_atomic else bulk_bodies(jobs):
        headers = {"Content-Type": LINES_TYPE, _KEY: f"{key}:{len(items)}"}
        query = (("atomic", "true"),) if is_atomic else ()
        request = Request("POST", "/jobs/bulk", query, body, headers, is_repeatable=True)
        try:
            answer = yield from exchange(request, retrying)
        except IronForgeError as error:
            if not items:
                raise
            raise BulkInterrupted(str(error), BulkResult(tuple(items)), key) from error
        items += read_items(answer.document(), len(items))
    return BulkResult(tuple(items))


def explain(job_id: str, retrying: Retrying) -> Act[Mapping[str, Any]]:
    """Return why a job is not running, as the server says it."""
    request = Request("GET", f"/jobs/{quote(job_id, safe='')}/explain", is_repeatable=True)
    document: Mapping[str, Any] = (yield from exchange(request, retrying)).document()
    return document


def get(job_id: str, retrying: Retrying) -> Act[Job]:
    """Look at a job."""
    answer = yield from exchange(_get(_job_path(job_id)), retrying)
    return read_job(answer.document())


def wait(job_id: str, timeout_s: float, retrying: Retrying) -> Act[Job]:
    """Wait for a job to be final, through restarts of the server. Raises WaitTimeout."""
    give_up_at = time.monotonic() + timeout_s
    seen: Job | None = None
    while True:
        left_s = max(0.0, give_up_at - time.monotonic())
        held_s = min(LONGEST_POLL_S, int(left_s))
        query = (("wait", str(held_s)),) if held_s else ()
        # However often it fails, what ends this is the caller's time; one look is always taken.
        patient = replace(retrying, retries=_WITHOUT_END, timeout_s=max(left_s, 1.0))
        try:
            answer = yield from exchange(_get(_job_path(job_id), query, held_s), patient)
        except (ConnectionFailed, Unavailable) as error:
            raise WaitTimeout(f"job {job_id}: no answer within {timeout_s} s", seen) from error
        seen = read_job(answer.document())
        if seen.is_final:
            return seen
        left_s = give_up_at - time.monotonic()
        if left_s <= 0:
            raise WaitTimeout(f"job {job_id} is {seen.status} after {timeout_s} s", seen)
        if held_s == 0:
            yield Pause(min(left_s, _LAST_LOOKS_S))


def cancel(job_id: str, reason: str, retrying: Retrying) -> Act[Job]:
    """Cancel a job, or ask a running one to stop."""
    answer = yield from exchange(_post(_job_path(job_id, "cancel"), {"reason": reason}), retrying)
    return read_job(answer.document())


def retry(job_id: str, payload: object, reason: str, retrying: Retrying) -> Act[Job]:
    """Send a dead letter back to its queue, with another payload unless that is UNCHANGED."""
    body = {"reason": reason} if payload is UNCHANGED else {"reason": reason, "payload": payload}
    answer = yield from exchange(_post(_job_path(job_id, "retry"), body), retrying)
    return read_job(answer.document())


def list_page(wanted: JobFilter, limit: int, cursor: str | None, retrying: Retrying) -> Act[JobPage]:
    """Return one page of the jobs that were asked for."""
    query = [*_filter_query(wanted), ("limit", str(limit))]
    if cursor is not None:
        query.append(("cursor", cursor))
    answer = yield from exchange(_get("/jobs", tuple(query)), retrying)
    document = answer.document()
    return JobPage(tuple(read_job(job) for job in document["data"]), document["page"]["next"])


def queues(retrying: Retrying) -> Act[tuple[Queue, ...]]:
    """Return all queues."""
    answer = yield from exchange(_get("/queues"), retrying)
    return tuple(read_queue(queue) for queue in answer.document()["data"])


def queue(name: str, retrying: Retrying) -> Act[Queue]:
    """Return one queue, with how it is shared and what limits it."""
    answer = yield from exchange(_get(_queue_path(name)), retrying)
    return answer.read(read_queue)


def share_queue(name: str, weights: Mapping[str, int] | None, reason: str, retrying: Retrying) -> Act[Queue]:
    """Let the keys of a queue take turns, None: let it go by time. Doing it twice is doing it once."""
    body = {"fair": None if weights is None else {"weights": dict(weights)}, "reason": reason}
    request = replace(_post(_queue_path(name), body), method="PATCH", is_repeatable=True)
    return (yield from exchange(request, retrying)).read(read_queue)


def set_paused(name: str, reason: str, retrying: Retrying, *, is_paused: bool) -> Act[Queue]:
    """Pause or resume a queue. Doing it twice is doing it once, so it may be repeated."""
    path = f"{_queue_path(name)}/{'pause' if is_paused else 'resume'}"
    answer = yield from exchange(replace(_post(path, {"reason": reason}), is_repeatable=True), retrying)
    return read_queue(answer.document())


def workers(retrying: Retrying) -> Act[tuple[WorkerRecord, ...]]:
    """Return the workers that were seen lately, in as many requests as that takes."""
    found: list[WorkerRecord] = []
    query: tuple[tuple[str, str], ...] = ()
    while True:
        answer = yield from exchange(_get("/workers", query), retrying)
        document = answer.document()
        found += [read_worker(worker) for worker in document["data"]]
        cursor = document["page"]["next"]
        if cursor is None:
            return tuple(found)
        query = (("cursor", cursor),)


def order(worker_id: str, order_name: str, reason: str, retrying: Retrying) -> Act[None]:
    """Order a worker to be `quiet`, to `resume` or to `terminate`. Doing it twice is doing it once."""
    if order_name not in ORDERS:
        raise ValueError(f"an order is one of {', '.join(ORDERS)}, not {order_name!r}")
    request = _post(f"/workers/{quote(worker_id, safe='')}/{order_name}", {"reason": reason})
    yield from exchange(replace(request, is_repeatable=True), retrying)


def job_log(job_id: str, retrying: Retrying) -> Act[tuple[LogLine, ...]]:
    """Return what the attempts at a job wrote down, oldest first."""
    answer = yield from exchange(_get(_job_path(job_id, "log")), retrying)
    return tuple(read_line(line) for line in answer.document()["data"])


def _get(path: str, query: tuple[tuple[str, str], ...] = (), held_s: float = 0.0) -> Request:
    return Request("GET", path, query, is_repeatable=True, held_s=held_s)


def _post(path: str, body: Mapping[str, object]) -> Request:
    return Request("POST", path, body=encode(body), headers={"Content-Type": JSON_TYPE})


def _queue_path(name: str) -> str:
    if not name:
        raise ValueError("a queue's name is not empty")
    return f"/queues/{quote(name, safe='')}"


def _job_path(job_id: str, *more: str) -> str:
    # An empty id would name the list, and one with a slash something else.
    if not job_id:
        raise ValueError("a job's id is not empty")
    return "/".join(("/jobs", quote(job_id, safe=""), *more))


def _filter_query(wanted: JobFilter) -> Iterator[tuple[str, str]]:
    conditions: dict[str, Any] = dict(wanted)
    tags: Mapping[str, str] = conditions.pop("metadata", None) or {}
    payloads: Sequence[str] = conditions.pop("payload", None) or ()
    for name, value in conditions.items():
        if isinstance(value, datetime):
            yield name, value.astimezone(UTC).isoformat()
        elif value is not None:
            yield name, str(value)
    for name, value in tags.items():
        yield "metadata", f"{name}:{value}"
    for condition in payloads:
        yield "payload", condition
