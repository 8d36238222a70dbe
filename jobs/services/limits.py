"""Limits of kinds, of queues and of each key of a kind: how many jobs run at once, start in a time, or fail."""

from __future__ import annotations

import time

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.circuit import circuit_faults
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.job import Job
from jobs.domain.limit import MAX_HOLDERS, MAX_LIMITS, Limit, LimitBy, LimitUse, limit_faults
from jobs.domain.naming import KIND, QUEUE, is_kind, is_queue
from jobs.services.acts import record_act, require_audit_log
from jobs.services.limit_keys import limit_keys

# What the audit log calls each.
_TARGETS = {LimitBy.KIND: "limit", LimitBy.QUEUE: "queue-limit", LimitBy.KEY: "key-limit"}


def list_limits(actor: Actor) -> list[LimitUse]:
    """Return the limits of kinds, queues and keys, by name, and how full they are. Raises NotPermitted."""
    policy.authorize(actor, Action.LIMIT_READ)
    return wiring.runner().run(wiring.backend().limits(actor.namespace).all())


def get_limit(actor: Actor, name: str, by: LimitBy = LimitBy.KIND, key: str | None = None) -> LimitUse:
    """Return the limit of a kind, a queue or the keys of a kind, of these as one `key` has used it, if one is given.

    It names jobs that hold its places, up to MAX_HOLDERS, those that have run longest.
    Raises NotPermitted or NotFound.
    """
    policy.authorize(actor, Action.LIMIT_READ)
    return _known(actor, name, by, key)


def find_limit(actor: Actor, name: str, by: LimitBy = LimitBy.KIND) -> LimitUse | None:
    """Return the limit of a kind, a queue or the keys of a kind, None for nothing. Raises NotPermitted."""
    policy.authorize(actor, Action.LIMIT_READ)
    return _find(actor, name, by)


def limits_of(actor: Actor, job: Job) -> list[LimitUse]:
    """Return the limits that a job comes under and how full they are: of its kind, its queue and its key.

    Raises NotPermitted.
    """
    policy.authorize(actor, Action.LIMIT_READ)
    limits = wiring.backend().limits(actor.namespace)
    return wiring.runner().run(limits.of(kind=job.kind, queue=job.queue, key=job.limit_key))


def set_limit(actor: Actor, terms: Limit, *, reason: str = "") -> tuple[LimitUse, bool]:
    """Limit a kind, a queue or each key of a kind in place of what limited it before; who and when is filled in.

    Return the limit, and whether there was none. `path` says where payloads have the key; None: each job is given one.

    It stands against what handlers ask for. Raises NotPermitted, or InvalidInput (`invalid_name`, `no_limit`,
    `no_key`, `too_many_limits`).
    """
    policy.authorize(actor, Action.LIMIT_SET)
    _require_sound(terms)
    require_audit_log()
    by, name = terms.by, terms.name
    before = _find(actor, name, by)
    limit = msgspec.structs.replace(terms, set_by=actor.label, set_at=int(time.time() * 1000))
    if wiring.runner().run(wiring.backend().limits(actor.namespace).put(limit)) == "too_many":
        detail = f"The namespace has {MAX_LIMITS} limits already."
        raise InvalidInput([Problem("", "too_many_limits", detail)], code="too_many_limits")
    limit_keys().forget(actor.namespace)
    record_act(
        actor, Action.LIMIT_SET, _TARGETS[by], name, reason=reason, before=_state(before), after=_state_of(limit)
    )
    return _find(actor, name, by) or LimitUse(limit, 0, 0), before is None


def drop_limit(actor: Actor, name: str, by: LimitBy = LimitBy.KIND, *, reason: str = "") -> None:
    """End the limits of a kind, a queue or the keys of a kind, until a worker starts whose handler asks for some.

    Raises NotPermitted or NotFound.
    """
    policy.authorize(actor, Action.LIMIT_DROP)
    before = _known(actor, name, by)
    require_audit_log()
    wiring.runner().run(wiring.backend().limits(actor.namespace).drop(name, by))
    limit_keys().forget(actor.namespace)
    record_act(actor, Action.LIMIT_DROP, _TARGETS[by], name, reason=reason, before=_state(before))


def _require_sound(limit: Limit) -> None:
    is_of_queue = limit.by is LimitBy.QUEUE
    is_name, pattern = (is_queue, QUEUE) if is_of_queue else (is_kind, KIND)
    if not is_name(limit.name):
        what = "queue" if is_of_queue else "kind"
        raise InvalidInput([Problem("", "invalid_name", f"A {what} must match ^{pattern.pattern}$.")])
    if limit.is_empty:
        detail = "Give concurrency, rate or both, or what else limits a kind; DELETE ends the limits."
        raise InvalidInput([Problem("", "no_limit", detail)])
    faults = limit_faults(limit.concurrency, limit.rate)
    if faults:
        raise InvalidInput([Problem("", "out_of_range", f"{fault[0].upper()}{fault[1:]}.") for fault in faults])
    faults = circuit_faults(limit.circuit, limit.retry_budget)
    if faults:
        raise InvalidInput([Problem("", "out_of_range", f"The {fault}.") for fault in faults])
    if limit.path is not None and limit.by is not LimitBy.KEY:
        raise InvalidInput([Problem("/path", "no_key", "Only a limit of keys has a path.")])


def _find(actor: Actor, name: str, by: LimitBy, key: str | None = None) -> LimitUse | None:
    limits = wiring.backend().limits(actor.namespace)
    if by is LimitBy.QUEUE:
        call = limits.of(queue=name, holders=MAX_HOLDERS)
    elif by is LimitBy.KIND or key is not None:
        call = limits.of(kind=name, key=key, holders=MAX_HOLDERS)
    else:
        call = limits.all()
    found = wiring.runner().run(call)
    return next((use for use in found if use.limit.by is by and use.limit.name == name), None)


def _known(actor: Actor, name: str, by: LimitBy, key: str | None = None) -> LimitUse:
    found = _find(actor, name, by, key)
    if found is None:
        what = {LimitBy.KIND: "kind", LimitBy.QUEUE: "queue", LimitBy.KEY: "keys of the kind"}[by]
        raise NotFound(f"Nothing limits the {what} {name[:64]!r}.")
    return found


def _state(use: LimitUse | None) -> dict[str, object] | None:
    return None if use is None else _state_of(use.limit)


def _state_of(limit: Limit) -> dict[str, object]:
    """Return what the audit log keeps of a limit."""
    rate = limit.rate and {"starts": limit.rate.starts, "period_ms": limit.rate.period_ms, "burst": limit.rate.at_once}
    more = {"path": limit.path, "circuit": limit.circuit, "retry_budget": limit.retry_budget}
    return {"concurrency": limit.concurrency, "rate": rate} | {
        name: msgspec.to_builtins(part) for name, part in more.items() if part
    }
