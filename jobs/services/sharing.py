"""Fair queues: the keys of a queue's jobs take turns."""

from __future__ import annotations

import time
from collections.abc import Mapping

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.naming import DELIVERY_QUEUE, is_queue
from jobs.domain.sharing import Share, share_faults
from jobs.services.acts import record_act, require_audit_log
from jobs.services.submission import too_many_queues


def list_shares(actor: Actor) -> dict[str, Share]:
    """Return the fair queues of the namespace by name. Raises NotPermitted."""
    policy.authorize(actor, Action.QUEUE_READ)
    return _all(actor)


def find_share(actor: Actor, queue: str) -> Share | None:
    """Return how a queue is shared, None for one that goes by time. Raises NotPermitted."""
    policy.authorize(actor, Action.QUEUE_READ)
    return _all(actor).get(queue)


def set_share(actor: Actor, queue: str, weights: Mapping[str, int], *, reason: str = "") -> Share:
    """Make a queue fair, or give it other weights; it may be new. Jobs that wait there get their turns within seconds.

    Raises NotPermitted, NotFound for what cannot be a queue's name, or InvalidInput (`invalid_weight` with a pointer
    below `/fair/weights`, `not_shareable`, `too_many_queues`).
    """
    policy.authorize(actor, Action.QUEUE_SHARE)
    _require_name(queue)
    if queue == DELIVERY_QUEUE:
        raise InvalidInput([Problem("/fair", "not_shareable", "Webhooks take turns by their own rules.")])
    problems = [
        Problem(_pointer(name), "invalid_weight", f"{detail[0].upper()}{detail[1:]}.")
        for name, detail in share_faults(weights)
    ]
    if problems:
        raise InvalidInput(problems)
    require_audit_log()
    before = _all(actor).get(queue)
    share = Share(weights=tuple(weights.items()), set_by=actor.label, set_at=int(time.time() * 1000))
    if not wiring.runner().run(wiring.backend().sharing(actor.namespace).put(queue, share)):
        raise too_many_queues("")
    record_act(
        actor, Action.QUEUE_SHARE, "queue", queue, reason=reason, before=_state_of(before), after=_state_of(share)
    )
    return share


def drop_share(actor: Actor, queue: str, *, reason: str = "") -> None:
    """Make a queue one that goes by time again; one that does already stays so. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.QUEUE_SHARE)
    _require_name(queue)
    before = _all(actor).get(queue)
    if before is None:
        return
    require_audit_log()
    wiring.runner().run(wiring.backend().sharing(actor.namespace).drop(queue))
    record_act(actor, Action.QUEUE_SHARE, "queue", queue, reason=reason, before=_state_of(before), after={"fair": None})


def _all(actor: Actor) -> dict[str, Share]:
    return wiring.runner().run(wiring.backend().sharing(actor.namespace).all())


def _state_of(share: Share | None) -> dict[str, object]:
    """Return what the audit log keeps of it."""
    return {"fair": None if share is None else {"weights": dict(share.weights)}}


def _pointer(name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"/fair/weights/{escaped}" if name else "/fair/weights"


def _require_name(name: str) -> None:
    if not is_queue(name):
        raise NotFound(f"{name[:64]!r} cannot be the name of a queue.")
