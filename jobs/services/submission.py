"""From jobs that somebody asks for to jobs that are stored; apart from acts on jobs, for it needs no database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_QUEUES, Submission, SubmitCode, Submitted
from jobs.conf import conf
from jobs.domain.errors import InvalidInput, Problem, QuotaExceeded, UniqueConflict
from jobs.domain.job import JobSpec
from jobs.domain.job_body import read_job
from jobs.domain.target import read_target
from jobs.domain.trace import TraceContext
from jobs.outbound.rules import rules_of
from jobs.services.admission import admission
from jobs.services.limit_keys import limit_keys, with_key
from jobs.services.placement import keys_of, shards_for
from jobs.services.submit_span import SubmitSpan

# The limit, what is said, and when another try may do (s): jobs and bytes come free as retention removes what ended.
_OVER_QUOTA = {
    SubmitCode.QUOTA_JOBS: ("stored_jobs", "The namespace has stored as many jobs as its quota allows.", 30),
    SubmitCode.QUOTA_BYTES: ("stored_bytes", "The namespace's quota has no room for a payload of this size.", 30),
    SubmitCode.QUOTA_RATE: ("submissions_per_s", "The namespace submits more jobs a second than its quota allows.", 1),
}


class NewJob(msgspec.Struct, frozen=True, gc=False):
    """A job to submit. With an idempotency key, `fingerprint` is the SHA-256 (hex) of the request that used it."""

    spec: JobSpec
    idempotency_key: str | None = None
    fingerprint: str = ""


def submit_job(actor: Actor, job: NewJob, trace: TraceContext | None = None) -> Submitted:
    """Store one job; `trace` is its asker's. Raises NotPermitted, BackendUnavailable, or what `refusal_of` has."""
    with SubmitSpan(actor.namespace, (job,), trace) as span:
        answer = accepted(submit(actor, span.jobs((job,)))[0])
        span.named(answer.job_id)
        return answer


def read_spec(body: bytes, *, now_ms: int) -> JobSpec:
    """Return the job that a JSON text asks for. Raises MalformedInput, or InvalidInput with all problems.

    The name of a webhook's host is not looked up here: that is done when something is sent.
    """
    spec = read_job(body, now_ms=now_ms)
    require_nameable(spec.webhook, "/webhook")
    return spec


def require_nameable(webhook: str | None, pointer: str) -> None:
    """Pass if a job may name this URL. Raises InvalidInput `blocked_address` at `pointer`."""
    if webhook is not None and not rules_of(conf().push_allow, conf().allowed_hosts).may_name(read_target(webhook)):
        detail = (
            "The webhook's host is not on the public Internet, or it is this installation. "
            "The setting IRONFORGE_PUSH_ALLOW opens networks."
        )
        raise InvalidInput([Problem(pointer, "blocked_address", detail)], code="blocked_address")


def accepted(answer: Submitted) -> Submitted:
    """Return the answer for a job that is stored. Raises what `refusal_of` has."""
    refusal = refusal_of(answer)
    if refusal is not None:
        raise refusal
    return answer


def refusal_of(answer: Submitted, place: str = "") -> InvalidInput | QuotaExceeded | UniqueConflict | None:
    """Return why a job was refused, `idempotency_mismatch`, `too_many_queues`, `quota_exceeded` or `unique_conflict`.

    None: it is stored, or stands for one that was.

    `place` is the pointer to the job in its request.
    """
    if answer.code is SubmitCode.MISMATCH:
        return mismatch()
    if answer.code is SubmitCode.TOO_MANY_QUEUES:
        return too_many_queues(f"{place}/queue")
    if answer.code is SubmitCode.UNIQUE_CONFLICT:
        which = f"The job {answer.job_id}" if answer.job_id else "Another job of this request"
        return UniqueConflict(f"{which} holds the unique key.", status=answer.status, holder=answer.job_id)
    if answer.code in _OVER_QUOTA:
        return over_quota(answer.code, place)
    return None


def over_quota(code: SubmitCode, pointer: str) -> QuotaExceeded:
    """Return the error of a quota that leaves no room."""
    limit, detail, retry_after_s = _OVER_QUOTA[code]
    return QuotaExceeded(Problem(pointer, limit, detail), retry_after_s=retry_after_s)


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


def placed(jobs: Sequence[NewJob], *, is_atomic: bool = False) -> list[Submission]:
    """Return the jobs under ids of their own, of one shard if they are to be stored all or none. Asks no store.

    Raises InvalidInput as `placement` has it.
    """
    make, shard_count = wiring.identity().make, wiring.backend().shards
    if shard_count == 1:
        return [Submission(make(), job.spec, job.idempotency_key, job.fingerprint) for job in jobs]
    shards = shards_for([keys_of(job.idempotency_key, job.spec) for job in jobs], shard_count, in_one=is_atomic)
    return [
        Submission(make(shard), job.spec, job.idempotency_key, job.fingerprint)
        for job, shard in zip(jobs, shards, strict=True)
    ]


def require_admission(actor: Actor) -> None:
    """Pass if the actor may submit and the store takes jobs now. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_SUBMIT)
    admission().require_room()


def submissions_of(actor: Actor, jobs: Sequence[NewJob], *, is_atomic: bool = False) -> list[Submission]:
    """Return the jobs as `placed` does, if they may come. Raises as `require_admission`, `keyed` and `placed`."""
    require_admission(actor)
    return placed(keyed(actor.namespace, jobs), is_atomic=is_atomic)


def keyed(namespace: str, jobs: Sequence[NewJob]) -> Sequence[NewJob]:
    """Return the jobs with the keys that their kinds are limited by. Raises BackendUnavailable."""
    paths = limit_keys().paths_of(namespace)
    if not paths:
        return jobs
    return [msgspec.structs.replace(job, spec=with_key(job.spec, paths)) for job in jobs]


def submit(actor: Actor, jobs: Sequence[NewJob]) -> list[Submitted]:
    """Store up to 200 jobs in one step; answers in order. Raises NotPermitted or BackendUnavailable."""
    batch = submissions_of(actor, jobs)
    return wiring.runner().run(wiring.backend().producer(actor.namespace).submit(batch))
