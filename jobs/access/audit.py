"""Writes the record of what was done. Services call it, after the act, with names and states but never with secrets."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.access.actor import Actor
from jobs.access.audit_chain import Head, hash_of
from jobs.access.models import AuditEntry
from jobs.access.scopes import Action
from jobs.domain.request_id import current_request_id

_REASON_LENGTH = 500
_TARGET_LENGTH = 200
_ACTOR_LENGTH = 200
# How often a place in the chain may be taken by another process first. SQLite's writers wait for each other at once.
_TRIES = 100


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
    entry = AuditEntry(
        at=timezone.now(),
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
    return _append(entry)


def head_of(namespace: str) -> Head:
    """Return the end of a namespace's chain. Authorizes nothing."""
    last = AuditEntry.objects.filter(namespace=namespace).order_by("-position").values_list("position", "hash").first()
    return Head(*last) if last else Head()


def _append(entry: AuditEntry) -> AuditEntry:
    """Write an entry behind the last of its namespace, whoever else does so at the same time."""
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                head = head_of(entry.namespace)
                entry.position, entry.previous_hash = head.position + 1, head.hash
                entry.hash = hash_of(entry)
                entry.save(force_insert=True)
        except IntegrityError:
            entry.pk = None
            if not left:
                raise
        else:
            break
    return entry


def newest(actor: Actor, *, target_kind: str = "", target_id: str = "", limit: int = 50) -> list[AuditEntry]:
    """Return the newest entries of the actor's namespace, of one target if it is named. Authorizes nothing."""
    entries = AuditEntry.objects.filter(namespace=actor.namespace)
    if target_kind:
        entries = entries.filter(target_kind=target_kind, target_id=target_id)
    return list(entries[:limit])
