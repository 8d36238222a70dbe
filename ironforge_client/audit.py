"""Entries of the audit log, and how they are asked for, once for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

from ironforge_client.exchange import Act, Request, Retrying, exchange
from ironforge_client.jobs import read_time

_AT_ONCE = "200"


class AuditFilter(TypedDict, total=False):
    """Which entries are wanted; all given conditions hold. Times have a zone, `before` is not included."""

    actor: str
    action: str
    target_kind: str
    target_id: str
    after: datetime
    before: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did: `before` and `after` are what the act left on record.

    `hash` binds the entry at `position` to the one before it.
    """

    id: int
    at: datetime
    actor: str
    action: str
    target_kind: str
    target_id: str
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    position: int
    hash: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


def audit_page(
    wanted: AuditFilter, cursor: str | None, retrying: Retrying
) -> Act[tuple[tuple[AuditEntry, ...], str | None]]:
    """Return a page of entries, newest first, and the cursor of the next."""
    conditions: dict[str, Any] = {**wanted, "limit": _AT_ONCE, "cursor": cursor}
    query = tuple(
        (name, value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value))
        for name, value in conditions.items()
        if value is not None
    )
    answer = yield from exchange(Request("GET", "/audit", query, is_repeatable=True), retrying)
    document = answer.document()
    return tuple(map(_read_entry, document["data"])), document["page"]["next"]


def _read_entry(document: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry(
        id=document["id"],
        at=read_time(document["at"]),
        actor=document["actor"],
        action=document["action"],
        target_kind=document["target_kind"],
        target_id=document["target_id"],
        reason=document["reason"],
        before=document["before"],
        after=document["after"],
        position=document["position"],
        hash=document["hash"],
        document=document,
    )
