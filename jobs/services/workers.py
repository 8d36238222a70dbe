"""Workers: who lives and what they do, and what they are told to do."""

from __future__ import annotations

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import NotFound
from jobs.domain.queue import WorkerRecord
from jobs.domain.worker import WorkerOrder
from jobs.services.acts import record_act, require_audit_log

ACTION_OF = {
    WorkerOrder.RUN: Action.WORKER_RESUME,
    WorkerOrder.QUIET: Action.WORKER_QUIET,
    WorkerOrder.TERMINATE: Action.WORKER_TERMINATE,
}


def list_workers(actor: Actor) -> list[WorkerRecord]:
    """Return the workers of the namespace seen in the last 30 s, by id. Raises NotPermitted."""
    policy.authorize(actor, Action.WORKER_READ)
    return _seen(actor.namespace)


def order_worker(actor: Actor, worker_id: str, order: WorkerOrder, *, reason: str = "") -> WorkerRecord:
    """Tell a worker what to do; it hears it with its next heartbeat, within seconds. Again is no error.

    Return the worker as it last reported itself. Raises NotPermitted, or NotFound for one that was not seen in 30 s.
    """
    action = ACTION_OF[order]
    policy.authorize(actor, action)
    known = [record for record in _seen(actor.namespace) if record.id == worker_id]
    if not known:
        raise _no_such_worker(worker_id)
    require_audit_log()
    if not wiring.runner().run(wiring.backend().operator(actor.namespace).order(worker_id, order)):
        raise _no_such_worker(worker_id)
    record_act(actor, action, "worker", worker_id, reason=reason, after={"order": order.value})
    return known[0]


def _seen(namespace: str) -> list[WorkerRecord]:
    return wiring.runner().run(wiring.backend().inspector(namespace).workers())


def _no_such_worker(worker_id: str) -> NotFound:
    return NotFound(f"There is no worker {worker_id[:100]!r} that was seen in the last 30 s.")
