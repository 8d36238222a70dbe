"""Takes the schedules that workers' code declares into the database, where that code owns them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from jobs import wiring
from jobs.access.actor import Actor, system_actor
from jobs.access.models import Namespace
from jobs.access.schedule import Schedule
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, StateConflict
from jobs.domain.fire import Declaration
from jobs.domain.payload import read_json
from jobs.services.schedule_rows import fill_row, source_of, store_now
from jobs.services.schedules import draft_of, new_schedule_id, save_row, shard_for, state_of
from jobs.telemetry.logs import get_logger, log_event

# Workers say it again every minute: who has not for so long is gone, or has no such code any more.
ASLEEP_AFTER_MS = 300_000
_AT_ONCE = 100
_BY = "code"
_log = get_logger("server")


class Adopter:
    """Compares what code declares with what the database has; says once what it cannot take."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str, str]] = set()

    def adopt(self, namespaces: Sequence[str] | None = None) -> None:
        """Take what was declared in these namespaces, or in all. Raises BackendUnavailable."""
        if namespaces is None:
            namespaces = list(Namespace.objects.filter(deleting_since__isnull=True).values_list("name", flat=True))
        for first in range(0, len(namespaces), _AT_ONCE):
            some = namespaces[first : first + _AT_ONCE]
            calls = [wiring.backend().schedules(name).declared() for name in some]
            owned: dict[str, dict[str, Schedule]] = {name: {} for name in some}
            for row in Schedule.objects.filter(namespace__in=some, is_code=True):
                owned[row.namespace][row.name] = row
            for name, declared in zip(some, wiring.runner().run_many(calls), strict=True):
                self._take(system_actor(_BY, name), declared, owned[name])

    def _take(self, actor: Actor, declared: Sequence[Declaration], rows: dict[str, Schedule]) -> None:
        awake = {it.name for it in declared if it.age_ms <= ASLEEP_AFTER_MS}
        for declaration in declared:
            if declaration.name in awake:
                self._try_take(actor, declaration, rows.get(declaration.name))
        for row in rows.values():
            if row.is_asleep == (row.name in awake):
                # What it is has not changed, and who has read it may go on.
                Schedule.objects.filter(pk=row.pk).update(is_asleep=row.name not in awake)
                log_event(_log, "schedule.woken" if row.is_asleep else "schedule.asleep", schedule=row.name)

    def _try_take(self, actor: Actor, declaration: Declaration, row: Schedule | None) -> None:
        try:
            self._take_one(actor, declaration, row)
        except (InvalidInput, StateConflict) as refusal:
            if refusal.code == "schedule_changed" or (refusal.code == "name_taken" and _is_ours(actor, declaration)):
                return  # another process has just taken it
            said = (actor.namespace, declaration.name, declaration.text)
            if said not in self._told:
                self._told.add(said)
                name, detail = declaration.name, refusal.detail
                log_event(_log, "schedule.refused", level=logging.ERROR, schedule=name, detail=detail)

    def _take_one(self, actor: Actor, declaration: Declaration, row: Schedule | None) -> None:
        source = read_json(declaration.text.encode())
        if not isinstance(source, dict):
            return
        known, before = (source_of(row), state_of(row)) if row is not None else (None, None)
        now_ms = store_now(actor.namespace, row.id if row is not None else new_schedule_id())
        draft = draft_of(source, now_ms)
        made = row or Schedule(id=new_schedule_id(shard_for(actor.namespace, draft)), namespace=actor.namespace)
        made.is_code, made.created_by = True, _BY
        fill_row(made, draft, now_ms)
        if known == source_of(made):
            return
        action = Action.SCHEDULE_CHANGE if row is not None else Action.SCHEDULE_CREATE
        save_row(actor, action, made, before, "", is_new=row is None)


def _is_ours(actor: Actor, declaration: Declaration) -> bool:
    """Tell whether the schedule of that name is code's."""
    return Schedule.objects.filter(namespace=actor.namespace, name=declaration.name, is_code=True).exists()
