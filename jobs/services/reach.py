"""Which namespaces an actor reaches: its own and, with the right over the installation, any by its name."""

from __future__ import annotations

from dataclasses import replace

from jobs.access.actor import Actor
from jobs.access.models import Namespace
from jobs.access.scopes import Scope
from jobs.domain.errors import NotFound, StateConflict


def reached(actor: Actor, name: str) -> Namespace:
    """Return the row of a namespace, also of one that is being deleted.

    Raises NotFound for what does not exist, and just so for another tenant's.
    """
    is_within = name == actor.namespace or Scope.INSTALLATION in actor.scopes
    row = Namespace.objects.filter(name=name).first() if is_within and len(name) < 64 and "\0" not in name else None
    if row is None:
        raise NotFound(f"There is no namespace {name[:64]!r}.")
    return row


def within(actor: Actor, name: str) -> Actor:
    """Return the actor as it acts in a namespace, with no more scopes than it has.

    Raises NotFound as `reached` does, or StateConflict `namespace_deleting`.
    """
    refuse_deleting(reached(actor, name))
    return actor if name == actor.namespace else replace(actor, namespace=name)


def refuse_deleting(row: Namespace) -> None:
    """Pass unless the namespace is being deleted or was lately. Raises StateConflict."""
    if row.deleting_since is not None:
        detail = f"The namespace {row.name} is being deleted, or was within the last 28 hours."
        raise StateConflict(detail, code="namespace_deleting")
