"""Entries of the audit log as the API shows them."""

from __future__ import annotations

from typing import Any

import msgspec

from jobs.access.models import AuditEntry
from jobs.api.shapes import PageShape
from jobs.domain.instant import text_of


class AuditEntryShape(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did. `before` and `after` are what the act left on record, null for nothing.

    `hash` is the SHA-256 that binds the entry at `position` of its namespace to `previous_hash`, the one before it.
    """

    id: int
    at: str
    actor: str
    actor_kind: str
    action: str
    target_kind: str
    target_id: str
    namespace: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    position: int
    hash: str
    previous_hash: str


class AuditListShape(msgspec.Struct, frozen=True):
    """A page of entries."""

    data: tuple[AuditEntryShape, ...]
    page: PageShape


def audit_entry_shape(entry: AuditEntry) -> AuditEntryShape:
    """Return an entry."""
    return AuditEntryShape(
        id=entry.pk,
        at=text_of(entry.at),
        actor=entry.actor,
        actor_kind=entry.actor_kind,
        action=entry.action,
        target_kind=entry.target_kind,
        target_id=entry.target_id,
        namespace=entry.namespace,
        reason=entry.reason,
        before=entry.before,
        after=entry.after,
        request_id=entry.request_id,
        position=entry.position,
        hash=entry.hash,
        previous_hash=entry.previous_hash,
    )
