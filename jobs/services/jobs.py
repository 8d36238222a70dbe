"""Single jobs: submitted, looked at, waited for, cancelled, re-injected, discarded, run now."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_QUEUES, ActCode, Acted, Operator, Submission, SubmitCode, Submitted
from jobs.domain.errors import InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.identity import parse_id
from jobs.domain.job import Job, JobSpec
from jobs.domain.status import FINAL, Status
from jobs.services.acts import act_id, record_act, require_audit_log

MAX_WAIT_S = 30
MAX_WAITERS = 64
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25

# A waiting request holds a thread; beyond this many the answer comes at once, as if the time were over.
_waiters = threading.BoundedSemaphore(MAX_WAITERS)


class NewJob(msgspec.Struct, frozen=True):
    """A job to submit. With an idempotency key, `fingerprint` is the SHA-256 (hex) of the request that used it."""

    spec: JobSpec
    idempotency_key: str | None = None
    fingerprint: str = ""


def submit_job(actor: Actor, job: NewJob) -> Submitted:
    """Store one job. Raises NotPermitted, BackendUnavailable, or InvalidInput as `refusal_of` has it."""
    return accepted(submit(actor, [job])[0])


def accepted(answer: Submitted) -> Submitted:
    """Return the answer for a job that is stored. Raises InvalidInput as `refusal_of` has it."""
    refusal = refusal_of(answer)
    if refusal is not None:
        raise refusal
    return answer


def refusal_of(answer: Submitted, place: str = "") -> InvalidInput | None:
    """Return why a job was refused, `idempotency_mismatch` or `too_many_queues`; None when it is stored.

    `place` is the pointer to the job in its request.
    """
    if answer.code is SubmitCode.MISMATCH:
        return mismatch()
    if answer.code is SubmitCode.TOO_MANY_QUEUES:
        return too_many_queues(f"{place}/queue")
    return None


def too_many_queues(pointer: str) -> InvalidInput:
    """Return the error of a new queue for which the namespace has no place."""
    detail = (
        f"The namespace has {MAX_QUEUES} queues already. A queue is forgotten an hour after its last job was removed."
    )
    return InvalidInput([Problem(pointer, "too_many_queues", detail)], code="too_many_queues")


def mismatch() -> InvalidInput:
    """Return the error of an idempotency key that came with another request before."""
    detail = "This Idempotency-Key was used with another request."
    return InvalidInput([Problem("Idempotency-Key", "idempotency_mismatch", detail)], code="idempotency_mismatch")


def submit(actor: Actor, jobs: Sequence[NewJob]) -> list[Submitted]:
    """Store up to 200 jobs in one step; answers in order. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_SUBMIT)
    make = wiring.identity().make
    batch = [Submission(make(), job.spec, job.idempotency_key, job.fingerprint) for job in jobs]
    return wiring.runner().run(wiring.backend().producer(actor.namespace).submit(batch))


def get_job(actor: Actor, job_id: str) -> Job:
    """Return the whole job; payload and result only to an actor who may read them. Raises NotPermitted, NotFound."""
    policy.authorize(actor, Action.JOB_READ)
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(canonical_id(job_id)))
    if job is None:
        raise no_such_job(job_id)
    if policy.can(actor, Action.PAYLOAD_READ):
        return job
    return msgspec.structs.replace(job, payload=None, result=None)


def wait_for_job(actor: Actor, job_id: str, wait_s: float) -> Job:
    """Return the job once it is in a final state, or as it is after `wait_s` (at most 30). Raises as `get_job`."""
    policy.authorize(actor, Action.JOB_READ)
    if wait_s > 0 and _waiters.acquire(blocking=False):
        try:
            _wait_until_final(actor.namespace, canonical_id(job_id), min(wait_s, MAX_WAIT_S))
        finally:
            _waiters.release()
    return get_job(actor, job_id)


def cancel_job(actor: Actor, job_id: str, *, running: bool = False, reason: str = "") -> Job:
    """Cancel a waiting job; with `running`, ask a running one to stop (it is then returned still running).

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict (`job_running`, `job_final`).
    """
    policy.authorize(actor, Action.JOB_CANCEL)
    require_audit_log()
    call = _operator(actor).cancel([canonical_id(job_id)], act_id(), running=running, by=actor.label)
    acted = wiring.runner().run(call)[0]
    if acted.code is ActCode.CONFLICT and acted.status is Status.RUNNING:
        detail = "The job is running. POST …/cancel also asks a running job to stop."
        raise StateConflict(detail, status=acted.status, code="job_running")
    _raise_refusal(acted, job_id, "job_final", "The job has ended already.")
    return _acted_on(actor, Action.JOB_CANCEL, acted, reason)


def retry_job(actor: Actor, job_id: str, *, payload: bytes | None = None, reason: str = "") -> Job:
    """Re-inject a dead letter; `payload` (JSON text within the limits) replaces its own.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `not_dead_letter`.
    """
    policy.authorize(actor, Action.JOB_RETRY)
    require_audit_log()
    call = _operator(actor).retry([canonical_id(job_id)], act_id(), by=actor.label, payload=payload)
    acted = wiring.runner().run(call)[0]
    _raise_refusal(acted, job_id, "not_dead_letter", "Only a dead letter can be re-injected.")
    return _acted_on(actor, Action.JOB_RETRY, acted, reason, is_edited=payload is not None)


def discard_job(actor: Actor, job_id: str, *, reason: str = "") -> Job:
    """Turn a dead letter into a cancelled job.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `not_dead_letter`.
    """
    policy.authorize(actor, Action.JOB_DISCARD)
    require_audit_log()
    acted = wiring.runner().run(_operator(actor).discard([canonical_id(job_id)], act_id(), by=actor.label))[0]
    _raise_refusal(acted, job_id, "not_dead_letter", "Only a dead letter can be discarded.")
    return _acted_on(actor, Action.JOB_DISCARD, acted, reason)


def promote_job(actor: Actor, job_id: str, *, reason: str = "") -> Job:
    """Make a delayed job or a waiting retry ready now.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `not_delayed`.
    """
    policy.authorize(actor, Action.JOB_PROMOTE)
    require_audit_log()
    acted = wiring.runner().run(_operator(actor).promote([canonical_id(job_id)], act_id(), by=actor.label))[0]
    _raise_refusal(acted, job_id, "not_delayed", "The job does not wait for its time.")
    return _acted_on(actor, Action.JOB_PROMOTE, acted, reason)


def _operator(actor: Actor) -> Operator:
    return wiring.backend().operator(actor.namespace)


def canonical_id(job_id: str) -> str:
    """Return the id as the store knows it. Raises NotFound: what is no id names no job."""
    canonical = parse_id(job_id)
    if canonical is None:
        raise no_such_job(job_id)
    return canonical


def no_such_job(job_id: str) -> NotFound:
    """Return the error of an id that names nothing this actor may see."""
    return NotFound(f"There is no job {job_id[:64]!r}.")


def _raise_refusal(acted: Acted, job_id: str, code: str, detail: str) -> None:
    if acted.code is ActCode.NOT_FOUND:
        raise no_such_job(job_id)
    if acted.code is ActCode.CONFLICT:
        status = acted.status or ""
        raise StateConflict(f"{detail} It is {status}.", status=status, code=code)


def _acted_on(actor: Actor, action: Action, acted: Acted, reason: str, *, is_edited: bool = False) -> Job:
    """Record the act and return the job as it is now, as far as the actor may see it."""
    after: dict[str, object] = {"status": acted.status, "code": acted.code}
    if is_edited:
        after["payload"] = "edited"
    record_act(actor, action, "job", acted.job_id, reason=reason, after=after)
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(acted.job_id))
    if job is None:
        raise no_such_job(acted.job_id)
    if policy.can(actor, Action.PAYLOAD_READ):
        return job
    return msgspec.structs.replace(job, payload=None, result=None)


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
