"""The audit log as people and programs may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.models import AuditEntry, Namespace
from jobs.access.scopes import Action, Scope
from jobs.domain.errors import InvalidInput, Problem

MAX_LIMIT = 200
_LONGEST_NUMBER = 18
# Clocks of servers differ; what a namesake left is older by far, for a name is given back after 28 hours.
_MARGIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are meant; an empty text and None are any. Times in Unix ms, `before` not included."""

    actor: str = ""
    action: str = ""
    target_kind: str = ""
    target_id: str = ""
    after_ms: int | None = None
    before_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first, and the cursors of the neighbouring pages; None: there is none."""

    entries: list[AuditEntry]
    next: str | None
    prev: str | None


EVERYTHING = AuditFilter()


def list_entries(
    actor: Actor, wanted: AuditFilter = EVERYTHING, *, cursor: str = "", limit: int = 50, beginning: int | None = None
) -> AuditPage:
    """Return a page of the namespace's entries, the newest for an empty cursor.

    `beginning` is the position of the entry that the page begins with where there is no cursor. What a deleted
    namespace of the same name left is shown to the right over the installation alone. Raises NotPermitted, or
    InvalidInput `invalid_cursor`.
    """
    policy.authorize(actor, Action.AUDIT_READ)
    direction, place = _read_cursor(cursor)
    limit = min(limit, MAX_LIMIT)
    entries = _own(actor).filter(**_conditions(wanted))
    if beginning is not None and not cursor:
        found = list(entries.filter(position__lte=beginning)[: limit + 1])
        has_prev, has_next, found = entries.filter(position__gt=beginning).exists(), len(found) > limit, found[:limit]
    elif direction == "a":
        found = list(entries.filter(pk__gt=place).order_by("id")[: limit + 1])
        has_prev, has_next, found = len(found) > limit, True, found[:limit][::-1]
    else:
        older = entries.filter(pk__lt=place) if place else entries
        found = list(older[: limit + 1])
        has_prev, has_next, found = bool(place), len(found) > limit, found[:limit]
    after = f"b{found[-1].pk}" if has_next and found else None
    before = f"a{found[0].pk}" if has_prev and found else None
    return AuditPage(found, after, before)


def history_of_job(actor: Actor, job_id: str) -> list[AuditEntry]:
    """Return what was done to one job, newest first, to all who may read the job. Raises NotPermitted."""
    policy.authorize(actor, Action.JOB_READ)
    return audit.newest(actor, target_kind="job", target_id=job_id)


def history_of_workflow(actor: Actor, workflow_id: str) -> list[AuditEntry]:
    """Return what was done to one workflow, newest first, to all who may read it. Raises NotPermitted."""
    policy.authorize(actor, Action.WORKFLOW_READ)
    return audit.newest(actor, target_kind="workflow", target_id=workflow_id)


def _own(actor: Actor) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(namespace=actor.namespace)
    if Scope.INSTALLATION in actor.scopes:
        return entries
    made_at = Namespace.objects.filter(name=actor.namespace).values_list("created_at", flat=True).first()
    return entries if made_at is None else entries.filter(at__gte=made_at - _MARGIN)


def _conditions(wanted: AuditFilter) -> dict[str, object]:
    texts = {name: getattr(wanted, name) for name in ("actor", "action", "target_kind", "target_id")}
    # A text with NUL is in no entry, and no database takes it.
    found: dict[str, object] = {name: text.replace("\0", "\ufffd") for name, text in texts.items() if text}
    if wanted.after_ms is not None:
        found["at__gte"] = datetime.fromtimestamp(wanted.after_ms / 1000, UTC)
    if wanted.before_ms is not None:
        found["at__lt"] = datetime.fromtimestamp(wanted.before_ms / 1000, UTC)
    return found


def _read_cursor(cursor: str) -> tuple[str, int]:
    """Return whether entries before (`b`) or after (`a`) a place are meant, and the place, 0 for the beginning."""
    if not cursor:
        return "b", 0
    direction, number = cursor[0], cursor[1:]
    is_number = number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER and int(number) > 0
    if direction not in "ab" or not is_number:
        raise InvalidInput([Problem("?cursor", "invalid_cursor", "The cursor is none of this list.")])
    return direction, int(number)
