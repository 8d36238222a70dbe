"""Saved views of the list of jobs: one's own, and those that others share in the namespace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import Q

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.access.view import ColumnChoice, SavedView
from jobs.domain.errors import InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.job_view import MAX_VIEWS, name_problem, read_view_query
from jobs.services.acts import database_unavailable

MAX_LISTED = 500


@dataclass(frozen=True, slots=True)
class JobView:
    """A view as its owner or others see it; `query` is that of the list's address."""

    name: str
    query: str
    owner: str
    is_shared: bool
    is_own: bool
    changed_at: datetime


def list_views(actor: Actor) -> tuple[JobView, ...]:
    """Return one's own views and the shared ones, by name. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.VIEW_READ)
    try:
        mine = Q(owner=_owner(actor)) | Q(is_shared=True)
        rows = list(SavedView.objects.filter(mine, namespace=actor.namespace)[:MAX_LISTED])
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return tuple(_view(actor, row) for row in rows)


def keep_view(actor: Actor, name: str, query: str, *, is_shared: bool = False) -> tuple[JobView, bool]:
    """Keep a view of one's own under a name, in place of the one of that name; and tell whether it is new.

    Raises NotPermitted (to share one takes the right to operate), InvalidInput, or StateConflict `too_many_views`.
    """
    policy.authorize(actor, Action.VIEW_KEEP)
    if is_shared:
        policy.authorize(actor, Action.VIEW_SHARE)
    problems = [Problem("/name", "invalid_name", wrong)] if (wrong := name_problem(name)) else []
    kept = read_view_query(query, problems)
    if problems:
        raise InvalidInput(problems)
    try:
        with transaction.atomic():
            own = SavedView.objects.filter(namespace=actor.namespace, owner=_owner(actor))
            before = own.filter(name=name).first()
            if before is None and own.count() >= MAX_VIEWS:
                raise StateConflict(f"There are {MAX_VIEWS} views of yours. Remove one first.", code="too_many_views")
            row, is_new = own.update_or_create(
                namespace=actor.namespace,
                owner=_owner(actor),
                name=name,
                defaults={"query": kept, "is_shared": is_shared},
            )
            told: dict[str, object] = {"query": kept, "shared": is_shared}
            audit.record(actor, Action.VIEW_KEEP, "view", name, before=_told(before), after=told)
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return _view(actor, row), is_new


def remove_view(actor: Actor, name: str) -> None:
    """Remove a view of one's own. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.VIEW_REMOVE)
    try:
        with transaction.atomic():
            row = SavedView.objects.filter(namespace=actor.namespace, owner=_owner(actor), name=_text(name)).first()
            if row is None:
                raise NotFound(f"You have no view {name[:60]!r}.")
            row.delete()
            audit.record(actor, Action.VIEW_REMOVE, "view", row.name, before=_told(row))
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def chosen_columns(actor: Actor) -> str:
    """Return the columns that somebody chose last, as text; an empty one for none. Raises BackendUnavailable."""
    try:
        row = ColumnChoice.objects.filter(namespace=actor.namespace, owner=_owner(actor)).first()
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    return row.columns if row is not None else ""


def choose_columns(actor: Actor, columns: str) -> None:
    """Remember columns for this person in this namespace. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.VIEW_READ)
    try:
        ColumnChoice.objects.update_or_create(
            namespace=actor.namespace, owner=_owner(actor), defaults={"columns": columns[:300]}
        )
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def _owner(actor: Actor) -> str:
    return actor.label[:200]


def _text(name: str) -> str:
    return name[:200].replace("\0", "")


def _told(row: SavedView | None) -> dict[str, object] | None:
    return None if row is None else {"query": row.query, "shared": row.is_shared}


def _view(actor: Actor, row: SavedView) -> JobView:
    return JobView(row.name, row.query, row.owner, row.is_shared, row.owner == _owner(actor), row.changed_at)
