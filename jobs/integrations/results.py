"""What became of a job, for the code that enqueued it."""

from __future__ import annotations

import time

from asgiref.sync import sync_to_async
from django.utils.asyncio import async_unsafe

from jobs.domain.job import Job
from jobs.domain.payload import decode_json
from jobs.domain.status import FINAL, Status
from jobs.integrations.modes import current_mode
from jobs.services.job_reading import no_such_job

__all__ = ["JobFailed", "ajob_status", "await_result", "job_status", "wait_for"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5
_ASYNC = "This waits for the store: use ajob_status() or await_result() in async code."


class JobFailed(Exception):
    """A job ended without completing; `job` tells how, with its error and attempts."""

    def __init__(self, job: Job) -> None:
        why = f": {job.error.type}: {job.error.message}" if job.error else ""
        super().__init__(f"Job {job.id} is {job.status}{why}")
        self.job = job


@async_unsafe(_ASYNC)
def job_status(job_id: str, *, namespace: str | None = None) -> Status | None:
    """Return where a job is; None if there is none, or not yet, for its transaction runs. Raises BackendUnavailable."""
    job = _find(job_id, namespace)
    return None if job is None else job.status


@async_unsafe(_ASYNC)
def wait_for(job_id: str, timeout_s: float = 30.0, *, namespace: str | None = None) -> object:
    """Return what the handler returned, once the job has completed.

    Raises JobFailed for a dead letter or a cancelled job, TimeoutError, NotFound and BackendUnavailable. Never wait
    inside the transaction that enqueued the job: it is stored after that.
    """
    give_up_at = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        job = _find(job_id, namespace)
        if job is None:
            raise no_such_job(job_id)
        if job.status is Status.COMPLETED:
            return None if job.result is None else decode_json(job.result)
        if job.status in FINAL:
            raise JobFailed(job)
        left_s = give_up_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(f"Job {job_id} is {job.status} after {timeout_s:g} s")
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


async def ajob_status(job_id: str, *, namespace: str | None = None) -> Status | None:
    """Do as `job_status`, for async code."""
    return await sync_to_async(job_status, thread_sensitive=False)(job_id, namespace=namespace)


async def await_result(job_id: str, timeout_s: float = 30.0, *, namespace: str | None = None) -> object:
    """Do as `wait_for`, for async code; it holds a thread while it waits."""
    return await sync_to_async(wait_for, thread_sensitive=False)(job_id, timeout_s, namespace=namespace)


def _find(job_id: str, namespace: str | None) -> Job | None:
    mode = current_mode()
    return mode.find(mode.namespace if namespace is None else namespace, job_id)
