"""A job made like another: the same work once more, as a job of its own."""

from __future__ import annotations

from msgspec import UNSET

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import StateConflict
from jobs.domain.job import MAX_TAGS, Job, JobSpec
from jobs.domain.naming import is_reserved
from jobs.services.acts import record_act, require_audit_log
from jobs.services.job_reading import canonical_id, get_job, no_such_job
from jobs.services.limit_keys import key_with, limit_keys
from jobs.services.submission import NewJob, submit_job

# The tag by which a duplicate names the job that it was made like.
TAG = "duplicate_of"


def duplicate_job(actor: Actor, job_id: str, *, payload: bytes | None = None, reason: str = "") -> Job:
    """Submit a job like another, at once, with another payload (JSON text within the limits) if one is given.

    Kind, queue, priority, retries, timeout, backoff, delivery, limit key and tags are the same. What would bind the two
    together is left out: unique key, expiry, webhook, workflow and schedule.

    Raises NotPermitted, NotFound, BackendUnavailable, StateConflict `reserved_kind`, or what `refusal_of` has.
    """
    policy.authorize(actor, Action.JOB_DUPLICATE)
    require_audit_log()
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(canonical_id(job_id)))
    if job is None:
        raise no_such_job(job_id)
    if is_reserved(job.kind):
        raise StateConflict(
            "Jobs of IronForge's own kinds are not duplicated.", status=job.status, code="reserved_kind"
        )
    made = submit_job(actor, NewJob(_spec_like(actor, job, payload)))
    edited = {} if payload is None else {"payload": "edited"}
    record_act(actor, Action.JOB_DUPLICATE, "job", job.id, reason=reason, after={"job": made.job_id, **edited})
    return get_job(actor, made.job_id)


def _spec_like(actor: Actor, job: Job, payload: bytes | None) -> JobSpec:
    key = UNSET if payload is None else key_with(job, payload, limit_keys().paths_of(actor.namespace))
    has_room = len(job.metadata) < MAX_TAGS or TAG in job.metadata
    return JobSpec(
        kind=job.kind,
        payload=payload if payload is not None else job.payload or b"null",
        queue=job.queue,
        priority=job.priority,
        max_retries=job.max_retries,
        timeout_ms=job.timeout_ms,
        metadata={**job.metadata, **({TAG: job.id} if has_room else {})},
        delivery=job.delivery,
        backoff=job.backoff,
        limit_key=job.limit_key if key is UNSET else key,
        retention_ms=job.retention_ms,
    )
