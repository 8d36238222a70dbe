"""Why a job is not running: what the store's claim would make of it, and whether anybody would ask."""

from __future__ import annotations

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.explanation import Explanation, explain
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
    return explain(known_id, at, bool(takers), any(at.kind in worker.kinds for worker in takers))
