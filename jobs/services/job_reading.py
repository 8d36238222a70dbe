"""One job, looked at now or once it has ended; apart from acts on jobs, for it needs no database."""

from __future__ import annotations

import threading
import time

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import NotFound
from jobs.domain.identity import parse_id
from jobs.domain.job import Job
from jobs.domain.report import MAX_LINES, JobLog
from jobs.domain.status import FINAL

MAX_WAIT_S = 30
MAX_WAITERS = 64
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25

# A waiting request holds a thread; beyond this many the answer comes at once, as if the time were over.
_waiters = threading.BoundedSemaphore(MAX_WAITERS)


def get_job(actor: Actor, job_id: str) -> Job:
    """Return the whole job; payload and result only to an actor who may read them. Raises NotPermitted, NotFound."""
    policy.authorize(actor, Action.JOB_READ)
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(canonical_id(job_id)))
    if job is None:
        raise no_such_job(job_id)
    if policy.can(actor, Action.PAYLOAD_READ):
        return job
    return job.without_content()


def wait_for_job(actor: Actor, job_id: str, wait_s: float) -> Job:
    """Return the job once it is in a final state, or as it is after `wait_s` (at most 30). Raises as `get_job`."""
    policy.authorize(actor, Action.JOB_READ)
    if wait_s > 0 and _waiters.acquire(blocking=False):
        try:
            _wait_until_final(actor.namespace, canonical_id(job_id), min(wait_s, MAX_WAIT_S))
        finally:
            _waiters.release()
    return get_job(actor, job_id)


def get_log(actor: Actor, job_id: str) -> JobLog:
    """Return the kept lines of a job's log, oldest first. Raises NotPermitted, NotFound."""
    policy.authorize(actor, Action.LOG_READ)
    call = wiring.backend().inspector(actor.namespace).log(canonical_id(job_id), 0, MAX_LINES)
    log = wiring.runner().run(call)
    if log is None:
        raise no_such_job(job_id)
    return log


def canonical_id(job_id: str) -> str:
    """Return the id as the store knows it. Raises NotFound: what is no id names no job."""
    canonical = parse_id(job_id)
    if canonical is None:
        raise no_such_job(job_id)
    return canonical


def no_such_job(job_id: str) -> NotFound:
    """Return the error of an id that names nothing this actor may see."""
    return NotFound(f"There is no job {job_id[:64]!r}.")


def _wait_until_final(namespace: str, job_id: str, wait_s: float) -> None:
    """Look again and again, ever more seldom; no connection is held in between."""
    look = wiring.backend().inspector(namespace).get_many([job_id])
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_PAUSE_S
    while True:
        job = wiring.runner().run(look)[0]
        left_s = deadline - time.monotonic()
        if job is None or job.status in FINAL or left_s <= 0:
            return
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
