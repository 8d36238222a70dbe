"""Verification of the audit log's chains, against themselves and against ends that were kept elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.audit_chain import Fault, FaultKind, Head, walk
from jobs.access.models import AuditEntry
from jobs.access.scopes import Action

_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of one namespace's chain: its end as far as it holds, and what is wrong behind that, if anything."""

    namespace: str
    head: Head
    fault: Fault | None


def namespaces_with_entries(*more: str) -> list[str]:
    """Return the names that any entry bears, of deleted namespaces too, and `more`, in order. Authorizes nothing."""
    found = AuditEntry.objects.order_by("namespace").values_list("namespace", flat=True).distinct()
    return sorted({*found, *more})


def verify(actor: Actor, kept: Mapping[int, str], tell: Callable[[int, int], None]) -> Verified:
    """Walk the chain of the actor's namespace; `kept` are hashes by position that were read from it earlier.

    `tell` hears how many entries of how many were looked at. Raises NotPermitted.
    """
    policy.authorize(actor, Action.AUDIT_READ)
    entries = AuditEntry.objects.filter(namespace=actor.namespace).order_by("position")
    total = entries.count()
    head = Head()
    for seen, step in enumerate(walk(entries.iterator(chunk_size=_CHUNK)), 1):
        if isinstance(step, Fault):
            return Verified(actor.namespace, head, step)
        head = step
        if kept.get(head.position, head.hash) != head.hash:
            # The chain fits itself, and is another than the one that was there: written anew from here or before.
            return Verified(actor.namespace, head, Fault(FaultKind.REPLACED, head.position))
        if seen % _CHUNK == 0 or seen == total:
            tell(seen, total)
    last_kept = max(kept, default=0)
    fault = Fault(FaultKind.CUT, head.position + 1) if last_kept > head.position else None
    return Verified(actor.namespace, head, fault)
