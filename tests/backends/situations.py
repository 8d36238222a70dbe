"""Jobs brought into each status by the calls that users make."""

from __future__ import annotations

from jobs.backends.base import MAX_BATCH, MAX_QUEUES, SubmitCode
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.stores import Bench

CANCELLABLE = (Status.QUEUED, Status.SCHEDULED, Status.FAILED)
RETRIED_AFTER_MS = 1_800_000
REACHABLE = tuple(status for status in Status if status is not Status.WAITING)


def in_status(bench: Bench, status: Status) -> str:
    """Return a job in that status; no other job of the queue `main` may be ready."""
    if status is Status.DEAD_LETTER:
        return bench.dead_letter()
    if status is Status.SCHEDULED:
        return bench.submit(scheduled_for=bench.now() + 60_000)
    job_id = bench.submit()
    if status is Status.CANCELLED:
        bench.cancel(job_id)
    elif status is not Status.QUEUED:
        lease = bench.lease()
        assert lease.job.id == job_id
        if status is Status.COMPLETED:
            bench.settle(lease)
        elif status is Status.FAILED:
            # It would be claimed in another's place if it came back in the middle of a test.
            bench.fail(lease, delay_ms=RETRIED_AFTER_MS)
    assert bench.get(job_id).status is status
    return job_id


def fill_queues(bench: Bench, number: int = MAX_QUEUES - 1) -> list[str]:
    """Store a job in each of that many queues; with `main`, which always has a place, they are all there may be."""
    names = [f"q{index:04}" for index in range(number)]
    for first in range(0, number, MAX_BATCH):
        specs = [JobSpec(kind="demo.echo", queue=name) for name in names[first : first + MAX_BATCH]]
        assert {answer.code for answer in bench.submit_all(specs)} == {SubmitCode.ACCEPTED}
    return names
