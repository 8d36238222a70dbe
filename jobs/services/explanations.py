"""Why a job is not running: what the store's claim would make of it, and whether anybody would ask."""

from __future__ import annotations

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.explanation import ALONE, Explanation, Sharing, explain
from jobs.domain.queue import WorkerRecord
from jobs.services.job_reading import canonical_id, no_such_job


def explain_job(actor: Actor, job_id: str) -> Explanation:
    """Return why a job is where it is. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    known_id = canonical_id(job_id)
    inspector = wiring.backend().inspector(actor.namespace)
    at = wiring.runner().run(inspector.explain(known_id))
    if at is None:
        raise no_such_job(job_id)
    takers = [
        worker
        for worker in wiring.runner().run(inspector.workers())
        if worker.status == "running" and at.queue in worker.queues
    ]
    is_known = any(at.kind in worker.kinds for worker in takers)
    return explain(known_id, at, bool(takers), is_known, sharing=_sharing(actor.namespace, takers))


def _sharing(namespace: str, takers: list[WorkerRecord]) -> Sharing:
    """Return how many namespaces share the workers: no turn is needed at one for this one alone."""
    served = min((worker.namespaces for worker in takers), default=1)
    if served == 1:
        return ALONE
    return Sharing(served, wiring.runner().run(wiring.backend().tenants(namespace).use()).weight)
