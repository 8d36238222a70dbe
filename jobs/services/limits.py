"""Limits of kinds: how many of their jobs run at once, and start in a time."""

from __future__ import annotations

import time

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.limit import MAX_LIMITS, Limit, LimitUse, Rate
from jobs.domain.naming import KIND, is_kind
from jobs.services.acts import record_act, require_audit_log


def list_limits(actor: Actor) -> list[LimitUse]:
    """Return the limits of the namespace and how full they are, by kind. Raises NotPermitted."""
    policy.authorize(actor, Action.LIMIT_READ)
    return _all(actor)


def get_limit(actor: Actor, kind: str) -> LimitUse:
    """Return the limit of a kind. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.LIMIT_READ)
    return _known(actor, kind)


def find_limit(actor: Actor, kind: str) -> LimitUse | None:
    """Return the limit of a kind, None for nothing. Raises NotPermitted."""
    policy.authorize(actor, Action.LIMIT_READ)
    return _find(actor, kind)


def set_limit(
    actor: Actor, kind: str, *, concurrency: int | None, rate: Rate | None, reason: str = ""
) -> tuple[LimitUse, bool]:
    """Limit a kind in place of what limited it before; return the limit, and whether the kind had none.

    It stands against what handlers ask for. Raises NotPermitted, or InvalidInput (`invalid_name`, `no_limit`,
    `too_many_limits`).
    """
    policy.authorize(actor, Action.LIMIT_SET)
    if not is_kind(kind):
        raise InvalidInput([Problem("", "invalid_name", f"A kind must match ^{KIND.pattern}$.")])
    if concurrency is None and rate is None:
        detail = "Give concurrency, rate or both; DELETE ends the limits of a kind."
        raise InvalidInput([Problem("", "no_limit", detail)])
    require_audit_log()
    before = _find(actor, kind)
    limit = Limit(kind=kind, concurrency=concurrency, rate=rate, set_by=actor.label, set_at=int(time.time() * 1000))
    if wiring.runner().run(wiring.backend().limits(actor.namespace).put(limit)) == "too_many":
        detail = f"The namespace has {MAX_LIMITS} limited kinds already."
        raise InvalidInput([Problem("", "too_many_limits", detail)], code="too_many_limits")
    record_act(actor, Action.LIMIT_SET, "limit", kind, reason=reason, before=_state(before), after=_state_of(limit))
    return _find(actor, kind) or LimitUse(limit, 0, 0), before is None


def drop_limit(actor: Actor, kind: str, *, reason: str = "") -> None:
    """End the limits of a kind, until a worker starts whose handler asks for some. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.LIMIT_DROP)
    before = _known(actor, kind)
    require_audit_log()
    wiring.runner().run(wiring.backend().limits(actor.namespace).drop(kind))
    record_act(actor, Action.LIMIT_DROP, "limit", kind, reason=reason, before=_state(before))


def _all(actor: Actor) -> list[LimitUse]:
    return wiring.runner().run(wiring.backend().limits(actor.namespace).all())


def _find(actor: Actor, kind: str) -> LimitUse | None:
    return next((use for use in _all(actor) if use.limit.kind == kind), None)


def _known(actor: Actor, kind: str) -> LimitUse:
    found = _find(actor, kind)
    if found is None:
        raise NotFound(f"Nothing limits the kind {kind[:64]!r}.")
    return found


def _state(use: LimitUse | None) -> dict[str, object] | None:
    return None if use is None else _state_of(use.limit)


def _state_of(limit: Limit) -> dict[str, object]:
    """Return what the audit log keeps of a limit."""
    rate = limit.rate and {"starts": limit.rate.starts, "period_ms": limit.rate.period_ms, "burst": limit.rate.at_once}
    return {"concurrency": limit.concurrency, "rate": rate}
