"""Circuits of kinds, opened and closed by hand."""

from __future__ import annotations

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.circuit import CircuitState
from jobs.domain.errors import NotFound
from jobs.domain.limit import LimitUse
from jobs.services.acts import record_act, require_audit_log
from jobs.services.limits import list_limits


def turn_circuit(actor: Actor, kind: str, state: CircuitState, *, reason: str = "") -> LimitUse:
    """Open the circuit of a kind until somebody closes it, or close it; return the limit of the kind.

    Only OPEN and CLOSED can be asked for. Raises NotPermitted, or NotFound of a kind without a circuit.
    """
    policy.authorize(actor, Action.CIRCUIT_TURN)
    before = _known(actor, kind)
    require_audit_log()
    limits = wiring.backend().limits(actor.namespace)
    wiring.runner().run(limits.turn(kind, state, actor.label, reason))
    was, is_now = {"state": _state(before)}, {"state": state}
    record_act(actor, Action.CIRCUIT_TURN, "circuit", kind, reason=reason, before=was, after=is_now)
    return _known(actor, kind)


def resting_circuits(actor: Actor) -> list[LimitUse]:
    """Return the limits of the kinds whose circuits are not closed, by name. Raises NotPermitted."""
    return [use for use in list_limits(actor) if use.is_resting]


def _known(actor: Actor, kind: str) -> LimitUse:
    found = wiring.runner().run(wiring.backend().limits(actor.namespace).of(kind=kind))
    if not found or found[0].circuit is None:
        raise NotFound(f"The kind {kind[:64]!r} has no circuit.")
    return found[0]


def _state(use: LimitUse) -> CircuitState | None:
    return None if use.circuit is None else use.circuit.state
