"""Queues: their numbers, and pause, resume and purge."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import Operator
from jobs.backends.overview import Overview
from jobs.domain.errors import BackendUnavailable, InvalidInput, NotFound, Problem
from jobs.domain.naming import is_queue
from jobs.domain.queue import QueueStats
from jobs.services import operations
from jobs.services.acts import act_id, record_act, require_audit_log
from jobs.services.operation_details import OperationDetails
from jobs.services.submission import too_many_queues

MAX_MINUTES = 1_440
_PURGE_AT_ONCE_S = 2.0
# Two: the last full minute's rates need the minute before the running one.
_FOR_RATES = 2


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue and the store's clock (Unix ms) when it was read."""

    stats: QueueStats
    server_time: int


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge did. `operation` goes on with the rest; None when all is done."""

    purged: int
    operation: OperationDetails | None


def overview(actor: Actor, minutes: int = _FOR_RATES) -> Overview:
    """Return every known queue, the last minutes and the counters of the namespace at one instant."""
    policy.authorize(actor, Action.QUEUE_READ)
    call = wiring.backend().inspector(actor.namespace).overview(max(_FOR_RATES, min(minutes, MAX_MINUTES)))
    return wiring.runner().run(call)


def get_queue(actor: Actor, name: str) -> QueueStats:
    """Return one queue. Raises NotPermitted, or NotFound for one that no job and no pause ever named."""
    policy.authorize(actor, Action.QUEUE_READ)
    return _known(actor, name).stats


def present_queue(actor: Actor, name: str) -> QueueNow:
    """Return a queue to who has just acted on it, empty where it is none yet. Raises NotFound for what can be none."""
    policy.authorize(actor, Action.QUEUE_UPDATE)
    return _present(actor, name)


def look_at_queue(actor: Actor, name: str) -> QueueNow:
    """Return one queue and the time. Raises NotPermitted, or NotFound for one that no job and no pause ever named."""
    policy.authorize(actor, Action.QUEUE_READ)
    return _known(actor, name)


def pause_queue(actor: Actor, name: str, *, reason: str = "") -> QueueNow:
    """Stop handing out the queue's jobs. Again is no error and keeps the first pause; the queue may be new.

    Raises NotPermitted, NotFound for what cannot be a queue's name, or InvalidInput `too_many_queues`.
    """
    policy.authorize(actor, Action.QUEUE_PAUSE)
    _require_name(name)
    require_audit_log()
    if not wiring.runner().run(_operator(actor).pause(name, by=actor.label, reason=reason)):
        raise too_many_queues("")
    record_act(actor, Action.QUEUE_PAUSE, "queue", name, reason=reason, after={"paused": True})
    return _present(actor, name)


def resume_queue(actor: Actor, name: str, *, reason: str = "") -> QueueNow:
    """Hand out the queue's jobs again. Again is no error. Raises NotFound for an unknown queue."""
    policy.authorize(actor, Action.QUEUE_RESUME)
    before = _known(actor, name)
    require_audit_log()
    wiring.runner().run(_operator(actor).resume(name, by=actor.label))
    paused = {"paused": before.stats.pause is not None}
    record_act(actor, Action.QUEUE_RESUME, "queue", name, reason=reason, before=paused, after={"paused": False})
    return _present(actor, name)


def purge_queue(actor: Actor, name: str, *, confirm: str, reason: str = "") -> Purge:
    """Delete the jobs of the queue that are ready now; later ones stay.

    Works for two seconds; what is left then is an operation that goes on by itself. Raises InvalidInput unless
    `confirm` is the queue's name, and NotFound for an unknown queue.
    """
    policy.authorize(actor, Action.QUEUE_PURGE)
    until_ms = _known(actor, name).server_time
    if confirm != name:
        raise InvalidInput([Problem("/confirm", "confirmation_mismatch", "confirm must be the name of the queue.")])
    require_audit_log()
    operation_id = wiring.identity().make()
    deadline = time.monotonic() + _PURGE_AT_ONCE_S
    purged, after = 0, 0
    while True:
        try:
            progress = wiring.runner().run(_operator(actor).purge(name, act_id(), until_ms, after, by=actor.label))
        except BackendUnavailable as unavailable:
            # What is deleted is on record, whoever hears that the rest is not.
            if purged:
                noted = {"purged": purged, "code": unavailable.code}
                record_act(actor, Action.QUEUE_PURGE, "queue", name, reason=reason, after=noted)
            raise
        purged += progress.purged
        if progress.after is None:
            record_act(actor, Action.QUEUE_PURGE, "queue", name, reason=reason, after={"purged": purged})
            return Purge(purged, None)
        after = progress.after
        if time.monotonic() >= deadline:
            break
    rest = operations.continue_purge(
        actor, operation_id, name, until_ms=until_ms, after=after, purged=purged, reason=reason
    )
    return Purge(purged, rest)


def _operator(actor: Actor) -> Operator:
    return wiring.backend().operator(actor.namespace)


def _present(actor: Actor, name: str) -> QueueNow:
    """Return the queue after an act on it, whatever became of it since; who may act need not hold the right to list."""
    server_time, found = _look(actor, name)
    return QueueNow(found or QueueStats(name=name, counts={}), server_time)


def _known(actor: Actor, name: str) -> QueueNow:
    server_time, found = _look(actor, name)
    if found is None:
        raise NotFound(f"There is no queue {name[:64]!r}.")
    return QueueNow(found, server_time)


def _look(actor: Actor, name: str) -> tuple[int, QueueStats | None]:
    """Ask for the one queue."""
    _require_name(name)
    return wiring.runner().run(wiring.backend().inspector(actor.namespace).queue(name))


def _require_name(name: str) -> None:
    if not is_queue(name):
        raise NotFound(f"{name[:64]!r} cannot be the name of a queue.")
