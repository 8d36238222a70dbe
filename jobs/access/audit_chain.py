"""The chain of the audit log: each entry of a namespace carries a hash of itself and of the one before it.

Whoever changes, removes or puts in an entry behind IronForge's back has to write all later ones anew, and cannot reach
a hash that was kept elsewhere. The idea is from Schneier and Kelsey, "Secure Audit Logs to
Support Computer Forensics" (1999), and RFC 6962.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from jobs.domain.instant import text_of

# Within every hash: another content or another order gets another name.
_VERSION = "ironforge-audit-1"


class Chained(Protocol):
    """What a hash is made of: an entry, of this version's model or of a migration's."""

    at: datetime
    actor: str
    actor_kind: str
    action: str
    target_kind: str
    target_id: str
    namespace: str
    reason: str
    before: Any
    after: Any
    request_id: str
    position: int
    previous_hash: str


class FaultKind(StrEnum):
    """What was done to a log."""

    CHANGED = "changed"
    MISSING = "missing"
    REPLACED = "replaced"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain is broken: the position in its namespace, from 1, and what is wrong there."""

    kind: FaultKind
    position: int


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: position and hash of its last entry; 0 and an empty text before the first."""

    position: int = 0
    hash: str = ""


def hash_of(entry: Chained) -> str:
    """Return the SHA-256, in hex, of an entry's content and of the hash before it."""
    content = (
        _VERSION,
        entry.namespace,
        entry.position,
        entry.previous_hash,
        text_of(entry.at),
        entry.actor,
        entry.actor_kind,
        entry.action,
        entry.target_kind,
        entry.target_id,
        entry.reason,
        entry.request_id,
        _plain(entry.before),
        _plain(entry.after),
    )
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def walk(entries: Iterable[Any]) -> Iterator[Head | Fault]:
    """Yield the head behind each entry, given in order, and end with a Fault at the first that does not fit."""
    head = Head()
    for entry in entries:
        fault = _fault(head, entry)
        if fault is not None:
            yield Fault(fault, head.position + 1 if fault is FaultKind.MISSING else entry.position)
            return
        head = Head(entry.position, entry.hash)
        yield head


def _fault(head: Head, entry: Any) -> FaultKind | None:
    if entry.position != head.position + 1:
        return FaultKind.MISSING
    if entry.previous_hash != head.hash:
        return FaultKind.REPLACED
    return None if entry.hash == hash_of(entry) else FaultKind.CHANGED


def _plain(value: Any) -> Any:
    """Return JSON as every database gives it back: some keep 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
