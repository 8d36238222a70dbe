"""Workers: who lives and what they do, and what they are told to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.job import Job
from jobs.domain.naming import is_worker_id
from jobs.domain.queue import WorkerRecord
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder
from jobs.services.acts import record_act, require_audit_log

ACTION_OF = {
    WorkerOrder.RUN: Action.WORKER_RESUME,
    WorkerOrder.QUIET: Action.WORKER_QUIET,
    WorkerOrder.TERMINATE: Action.WORKER_TERMINATE,
}


MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """Workers by id; `next_cursor` is None at the end."""

    workers: tuple[WorkerRecord, ...]
    next_cursor: str | None


def list_workers(actor: Actor) -> list[WorkerRecord]:
    """Return the workers of the namespace seen in the last 30 s, by id, 1 000 at most. Raises NotPermitted."""
    policy.authorize(actor, Action.WORKER_READ)
    return wiring.runner().run(wiring.backend().inspector(actor.namespace).workers())


def page_of_workers(actor: Actor, cursor: str | None, limit: int) -> WorkerPage:
    """Return up to `limit` (≤ MAX_PAGE) of them, behind those of the page that named the cursor.

    Raises NotPermitted, or InvalidInput `invalid_cursor`.
    """
    policy.authorize(actor, Action.WORKER_READ)
    if cursor is not None and not is_worker_id(cursor):
        raise InvalidInput([Problem("?cursor", "invalid_cursor", "The cursor is not one of this list.")])
    seen = wiring.backend().inspector(actor.namespace).workers(cursor or "", min(limit, MAX_PAGE) + 1)
    found = wiring.runner().run(seen)
    page = tuple(found[:limit])
    return WorkerPage(page, page[-1].id if len(found) > limit else None)


def jobs_of(actor: Actor, workers: Sequence[WorkerRecord], amount: int) -> dict[str, list[Job]]:
    """Return, by worker, the jobs that it runs by now, of the first `amount` that it named; the longest running first.

    Raises NotPermitted or BackendUnavailable.
    """
    policy.authorize(actor, Action.JOB_READ)
    ids = list(dict.fromkeys(job_id for worker in workers for job_id in worker.jobs[:amount]))
    inspector = wiring.backend().inspector(actor.namespace)
    parts = [inspector.get_many(ids[at : at + MAX_BATCH]) for at in range(0, len(ids), MAX_BATCH)]
    found: dict[str, list[Job]] = {worker.id: [] for worker in workers}
    for job in (job for jobs in wiring.runner().run_many(parts) for job in jobs if job is not None):
        # What it has ended since its last word, or lost to another, is not its any more.
        if job.status is Status.RUNNING and job.worker_id in found:
            found[job.worker_id].append(job)
    return {worker_id: sorted(jobs, key=lambda job: job.started_at or 0) for worker_id, jobs in found.items()}


def count_workers(actor: Actor) -> int:
    """Return how many there are. Raises NotPermitted."""
    policy.authorize(actor, Action.WORKER_READ)
    return wiring.runner().run(wiring.backend().inspector(actor.namespace).worker_count())


def order_worker(actor: Actor, worker_id: str, order: WorkerOrder, *, reason: str = "") -> WorkerRecord:
    """Tell a worker what to do; it hears it with its next heartbeat, within seconds. Again is no error.

    Return the worker as it last reported itself. Raises NotPermitted, or NotFound for one that was not seen in 30 s.
    """
    action = ACTION_OF[order]
    policy.authorize(actor, action)
    known = _known(actor.namespace, worker_id)
    if known is None:
        raise _no_such_worker(worker_id)
    require_audit_log()
    if not wiring.runner().run(wiring.backend().operator(actor.namespace).order(worker_id, order)):
        raise _no_such_worker(worker_id)
    record_act(actor, action, "worker", worker_id, reason=reason, after={"order": order.value})
    return known


def _known(namespace: str, worker_id: str) -> WorkerRecord | None:
    if not is_worker_id(worker_id):
        return None
    return wiring.runner().run(wiring.backend().consumer(namespace).worker(worker_id))


def _no_such_worker(worker_id: str) -> NotFound:
    return NotFound(f"There is no worker {worker_id[:100]!r} that was seen in the last 30 s.")
