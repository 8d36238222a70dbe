"""Workers: who lives and what they do."""

from __future__ import annotations

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.queue import WorkerRecord


def list_workers(actor: Actor) -> list[WorkerRecord]:
    """Return the workers of the namespace seen in the last 30 s, by id. Raises NotPermitted."""
    policy.authorize(actor, Action.WORKER_READ)
    return wiring.runner().run(wiring.backend().inspector(actor.namespace).workers())
