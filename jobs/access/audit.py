"""Writes the record of what was done. Services call it, after the act, with names and states but never with secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

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
_noted: ContextVar[list[AuditEntry] | None] = ContextVar("ironforge_audit_noted", default=None)


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
        target_id=_kept(target_id[:_TARGET_LENGTH]),
        namespace=actor.namespace,
        reason=_kept(reason[:_REASON_LENGTH]),
        before=_kept(dict(before)) if before is not None else None,
        after=_kept(dict(after)) if after is not None else None,
        request_id=current_request_id(),
    )
    return _append(entry)


@contextmanager
def noting() -> Iterator[list[AuditEntry]]:
    """Yield a list to which every entry is added that is written meanwhile, so that a face can name them."""
    entries: list[AuditEntry] = []
    token = _noted.set(entries)
    try:
        yield entries
    finally:
        _noted.reset(token)


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
    if (noted := _noted.get()) is not None:
        noted.append(entry)
    return entry


def _kept(value: Any) -> Any:
    """Return JSON as every database keeps it.

    PostgreSQL takes no NUL, so that an act would be done and its entry lost, and gives large floats back as other
    integers than they are, so that the entry would seem changed.
    """
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {_kept(name): _kept(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(inner) for inner in value]
    return value


def newest(actor: Actor, *, target_kind: str = "", target_id: str = "", limit: int = 50) -> list[AuditEntry]:
    """Return the newest entries of the actor's namespace, of one target if it is named. Authorizes nothing."""
    entries = AuditEntry.objects.filter(namespace=actor.namespace)
    if target_kind:
        entries = entries.filter(target_kind=target_kind, target_id=target_id)
    return list(entries[:limit])
