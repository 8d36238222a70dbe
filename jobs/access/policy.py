"""Whether an actor may do a thing: asked by every service before it acts, and by pages that choose their buttons."""

from __future__ import annotations

from jobs.access.actor import Actor
from jobs.access.scopes import SCOPE_OF, Action, Scope
from jobs.domain.errors import NotPermitted


def require(actor: Actor, scope: Scope) -> None:
    """Pass if the actor holds the scope. Raises NotPermitted, which names the scope."""
    if scope not in actor.scopes:
        raise NotPermitted(f"This needs the scope {scope.value}, which {actor.label} does not have.")


def authorize(actor: Actor, action: Action) -> None:
    """Pass if the actor holds the scope that the table asks for the action. Raises NotPermitted."""
    scope = SCOPE_OF[action]
    if scope is not None:
        require(actor, scope)


def can(actor: Actor, action: Action) -> bool:
    """Tell whether `authorize` would pass."""
    scope = SCOPE_OF[action]
    return scope is None or scope in actor.scopes
