"""Writes the record of what was done. Services call it, after the act, with names and states but never with secrets."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.access.actor import Actor
from jobs.access.models import AuditEntry
from jobs.access.scopes import Action
from jobs.domain.request_id import current_request_id

_REASON_LENGTH = 500
_TARGET_LENGTH = 200
_ACTOR_LENGTH = 200


def record(
    actor: Actor,
    action: Action,
    target_kind: str,
    target_id: str,
    *,
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Append one entry in the actor's namespace, under the present request. `before` and `after` are JSON."""
    return AuditEntry.objects.create(
        actor=actor.label[:_ACTOR_LENGTH],
        actor_kind=actor.kind.value,
        action=action.value,
        target_kind=target_kind,
        target_id=target_id[:_TARGET_LENGTH],
        namespace=actor.namespace,
        reason=reason[:_REASON_LENGTH],
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        request_id=current_request_id(),
    )


def newest(actor: Actor, *, target_kind: str = "", target_id: str = "", limit: int = 50) -> list[AuditEntry]:
    """Return the newest entries of the actor's namespace, of one target if it is named. Authorizes nothing."""
    entries = AuditEntry.objects.filter(namespace=actor.namespace)
    if target_kind:
        entries = entries.filter(target_kind=target_kind, target_id=target_id)
    return list(entries[:limit])
