"""Carries out what was asked for at the terminal: each deed is an act of a service, with its entry in the audit log."""

from __future__ import annotations

from jobs.access.actor import Actor
from jobs.domain.errors import IronForgeError
from jobs.services import queues, workers
from jobs.terminal.view import ORDER_OF, Deed, Wish

REASON = "from a terminal"


def carry_out(actor: Actor, wish: Wish) -> str:
    """Do it and return what to tell the person, also about a refusal."""
    try:
        if wish.deed is Deed.PAUSE:
            queues.pause_queue(actor, wish.target, reason=REASON)
            return f"{wish.target} is paused."
        if wish.deed is Deed.RESUME:
            queues.resume_queue(actor, wish.target, reason=REASON)
            return f"{wish.target} is resumed."
        workers.order_worker(actor, wish.target, ORDER_OF[wish.deed], reason=REASON)
    except IronForgeError as refusal:
        return refusal.detail
    return f"{wish.target} is told; it hears it with its next heartbeat."
