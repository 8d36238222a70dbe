"""Acts on single jobs: cancelled, re-injected, discarded, run now."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import ActCode, Acted, Operator, SubmitCode
from jobs.domain.errors import StateConflict
from jobs.domain.job import Job, NewPayload
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services.acts import act_id, record_act, require_audit_log
from jobs.services.job_reading import canonical_id, no_such_job
from jobs.services.limit_keys import key_with, limit_keys
from jobs.services.submission import over_quota, too_many_queues

_NOTHING: Mapping[str, str] = MappingProxyType({})
_DEAD = MappingProxyType({"status": Status.DEAD_LETTER.value})
_NOT_WAITING = "Only a job that waits has a place to change."


def cancel_job(actor: Actor, job_id: str, *, running: bool = False, reason: str = "") -> Job:
    """Cancel a waiting job; with `running`, ask a running one to stop (it is then returned still running).

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict (`job_running`, `job_final`).
    """
    policy.authorize(actor, Action.JOB_CANCEL)
    require_audit_log()
    before = _seen(actor, job_id)
    call = _operator(actor).cancel([canonical_id(job_id)], act_id(), running=running, by=actor.label)
    acted = wiring.runner().run(call)[0]
    if acted.code is ActCode.CONFLICT and acted.status is Status.RUNNING:
        detail = "The job is running. POST …/cancel also asks a running job to stop."
        raise StateConflict(detail, status=acted.status, code="job_running")
    _raise_refusal(acted, job_id, "job_final", "The job has ended already.")
    return _acted_on(actor, Action.JOB_CANCEL, acted, reason, before=before)


def retry_job(actor: Actor, job_id: str, *, payload: bytes | None = None, reason: str = "") -> Job:
    """Re-inject a dead letter; `payload` (JSON text within the limits) replaces its own, and its key follows.

    Raises NotPermitted, NotFound, BackendUnavailable, QuotaExceeded `stored_bytes`, or StateConflict
    (`not_dead_letter`, `unique_conflict`).
    """
    policy.authorize(actor, Action.JOB_RETRY)
    require_audit_log()
    known_id = canonical_id(job_id)
    new = None if payload is None else _with_key(actor, known_id, payload)
    call = _operator(actor).retry([known_id], act_id(), by=actor.label, payload=new)
    acted = wiring.runner().run(call)[0]
    if acted.code is ActCode.QUOTA_BYTES:
        raise over_quota(SubmitCode.QUOTA_BYTES, "/payload")
    if acted.code is ActCode.UNIQUE_CONFLICT:
        detail = "Another job holds its unique key. Wait for its end, or release the key."
        raise StateConflict(detail, status=Status.DEAD_LETTER, code="unique_conflict")
    _raise_refusal(acted, job_id, "not_dead_letter", "Only a dead letter can be re-injected.")
    edited = {"payload": "edited"} if payload is not None else {}
    return _acted_on(actor, Action.JOB_RETRY, acted, reason, before=_DEAD, changed=edited)


def discard_job(actor: Actor, job_id: str, *, reason: str = "") -> Job:
    """Turn a dead letter into a cancelled job.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `not_dead_letter`.
    """
    policy.authorize(actor, Action.JOB_DISCARD)
    require_audit_log()
    acted = wiring.runner().run(_operator(actor).discard([canonical_id(job_id)], act_id(), by=actor.label))[0]
    _raise_refusal(acted, job_id, "not_dead_letter", "Only a dead letter can be discarded.")
    return _acted_on(actor, Action.JOB_DISCARD, acted, reason, before=_DEAD)


def promote_job(actor: Actor, job_id: str, *, reason: str = "") -> Job:
    """Make a delayed job or a waiting retry ready now.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `not_delayed`.
    """
    policy.authorize(actor, Action.JOB_PROMOTE)
    require_audit_log()
    before = _seen(actor, job_id)
    acted = wiring.runner().run(_operator(actor).promote([canonical_id(job_id)], act_id(), by=actor.label))[0]
    _raise_refusal(acted, job_id, "not_delayed", "The job does not wait for its time.")
    return _acted_on(actor, Action.JOB_PROMOTE, acted, reason, before=before)


def move_job(actor: Actor, job_id: str, queue: str, *, reason: str = "") -> Job:
    """Put a job that waits into another queue; its priority and its time stay.

    Raises NotPermitted, NotFound, BackendUnavailable, InvalidInput `too_many_queues`, or StateConflict `not_waiting`.
    """
    policy.authorize(actor, Action.JOB_MOVE)
    require_audit_log()
    before = _seen(actor, job_id, "queue")
    acted = wiring.runner().run(_operator(actor).move([canonical_id(job_id)], act_id(), queue, by=actor.label))[0]
    if acted.code is ActCode.TOO_MANY_QUEUES:
        raise too_many_queues("/queue")
    _raise_refusal(acted, job_id, "not_waiting", _NOT_WAITING)
    return _acted_on(actor, Action.JOB_MOVE, acted, reason, before=before, changed={"queue": queue})


def reprioritise_job(actor: Actor, job_id: str, priority: Priority, *, reason: str = "") -> Job:
    """Give a job that waits another priority; its time stays.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict `not_waiting`.
    """
    policy.authorize(actor, Action.JOB_REPRIORITISE)
    require_audit_log()
    before = _seen(actor, job_id, "priority")
    call = _operator(actor).reprioritise([canonical_id(job_id)], act_id(), priority, by=actor.label)
    acted = wiring.runner().run(call)[0]
    _raise_refusal(acted, job_id, "not_waiting", _NOT_WAITING)
    changed = {"priority": priority.value}
    return _acted_on(actor, Action.JOB_REPRIORITISE, acted, reason, before=before, changed=changed)


def _operator(actor: Actor) -> Operator:
    return wiring.backend().operator(actor.namespace)


def _with_key(actor: Actor, job_id: str, payload: bytes) -> NewPayload:
    paths = limit_keys().paths_of(actor.namespace)
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(job_id)) if paths else None
    return NewPayload(payload) if job is None else NewPayload(payload, key_with(job, payload, paths))


def _raise_refusal(acted: Acted, job_id: str, code: str, detail: str) -> None:
    if acted.code is ActCode.NOT_FOUND:
        raise no_such_job(job_id)
    if acted.code is ActCode.CONFLICT:
        status = acted.status or ""
        raise StateConflict(f"{detail} It is {status}.", status=status, code=code)


def _seen(actor: Actor, job_id: str, *fields: str) -> dict[str, str] | None:
    """Return what the audit log keeps of a job before an act: as it was seen then, which may be a moment too early."""
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get_many([canonical_id(job_id)]))[0]
    return None if job is None else {name: str(getattr(job, name)) for name in ("status", *fields)}


def _acted_on(
    actor: Actor,
    action: Action,
    acted: Acted,
    reason: str,
    *,
    before: Mapping[str, str] | None,
    changed: Mapping[str, str] = _NOTHING,
) -> Job:
    """Record the act and return the job as it is now, as far as the actor may see it."""
    after: dict[str, object] = {"status": acted.status, "code": acted.code, **changed}
    record_act(actor, action, "job", acted.job_id, reason=reason, before=before, after=after)
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(acted.job_id))
    if job is None:
        raise no_such_job(acted.job_id)
    if policy.can(actor, Action.PAYLOAD_READ):
        return job
    return job.without_content()
