"""Makes schedules fire: any number of processes may do it at once, and any of them may die at any moment.

A process reads which schedules have instants to decide, asks the store up to when they are decided, and tells it what
to decide about the rest. The store does so only where nobody else has in between (`fire.lua`), so each instant is
decided once. What the database has of it is a copy, from which a process knows when to look.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec
from django.db import transaction

from jobs import wiring
from jobs.access.schedule import Schedule
from jobs.backends.base import MAX_BATCH
from jobs.backends.schedules import Fire
from jobs.domain.errors import BackendUnavailable, InvalidInput
from jobs.domain.job import JobSpec
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.domain.schedule import Plan, jittered, plan
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.domain.shard import shard_of
from jobs.services.admission import admission
from jobs.services.schedule_rows import timing_of
from jobs.services.submission import NewJob, keyed, read_spec
from jobs.telemetry.logs import get_logger, log_event

_ROWS = 100
_log = get_logger("server")
# Names no schedule; it is asked for the time alone.
_NOBODY = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class _Due:
    row: Schedule
    plan: Plan
    fire: Fire | None  # None: others have decided already


class Ticker:
    """Decides about what is due. `namespace` is whose clock it goes by, and with `only_there` all that it looks at."""

    def __init__(self, namespace: str = DEFAULT_NAMESPACE, *, only_there: bool = False) -> None:
        self._namespace = namespace
        self._only_there = only_there
        self._ahead_ms = 0

    def tick(self) -> bool:
        """Decide about up to 100 schedules; True when there may be more. Raises BackendUnavailable.

        Authorizes nothing: who made a schedule was authorized then.
        """
        due = Schedule.objects.filter(is_paused=False, is_asleep=False, next_ms__lte=self._now_ms())
        if self._only_there:
            due = due.filter(namespace=self._namespace)
        rows = sorted(due.order_by("next_ms")[:_ROWS], key=_place_of)
        if not rows:
            return False
        admission().require_room()
        for (namespace, _), some in groupby(rows, key=_place_of):
            try:
                self._decide(namespace, list(some))
            except BackendUnavailable as failure:
                # The other shards and their schedules do not wait for this one.
                log_event(_log, "schedules.late", level=logging.WARNING, detail=failure.detail, namespace=namespace)
        return len(rows) == _ROWS

    def _now_ms(self) -> int:
        """Return the store's time, by which others may have planned; by our own clock while the store is away."""
        try:
            state = wiring.runner().run(wiring.backend().schedules(self._namespace).state(_NOBODY))
        except BackendUnavailable:
            return int(time.time() * 1000) + self._ahead_ms
        self._ahead_ms = state.now_ms - int(time.time() * 1000)
        return state.now_ms

    def _decide(self, namespace: str, rows: Sequence[Schedule]) -> None:
        schedules = wiring.backend().schedules(namespace)
        states = wiring.runner().run_many([schedules.state(row.id) for row in rows])
        planned = [_planned(row, state.mark_ms, state.now_ms) for row, state in zip(rows, states, strict=True)]
        answers = wiring.runner().run_many([schedules.fire(each.fire) for each in planned if each.fire is not None])
        codes = iter([answer.code for answer in answers])
        with transaction.atomic():
            for each in planned:
                # Whoever was first writes down what is decided; who was not looks again in the next round.
                if each.fire is None or next(codes) == "fired":
                    _note(each)


def _place_of(row: Schedule) -> tuple[str, int]:
    return row.namespace, shard_of(row.id, wiring.backend().shards)


def _planned(row: Schedule, mark_ms: int | None, now_ms: int) -> _Due:
    after_ms = max(row.starts_ms, row.decided_ms if mark_ms is None else mark_ms)
    wanted = plan(timing_of(row), CatchUp(row.catch_up), row.catch_up_limit, after_ms, now_ms)
    if not wanted.due and not wanted.missed:
        return _Due(row, Plan(max(after_ms, row.decided_ms), ()), None)
    jobs = _jobs_of(row, wanted, now_ms)
    fire = Fire(
        row.id,
        wiring.identity().make(),
        row.revision,
        mark_ms or 0,
        wanted.until_ms,
        Overlap(row.overlap),
        wanted.due if jobs else (),
        jobs,
        wanted.missed if jobs or not wanted.due else wanted.missed + len(wanted.due),
        (wanted.last_missed if jobs or not wanted.due else wanted.due[-1]) or 0,
    )
    return _Due(row, wanted, fire)


def _jobs_of(row: Schedule, wanted: Plan, now_ms: int) -> list[tuple[str, JobSpec]]:
    """Return a job for each instant; none where this installation does not take them any more."""
    try:
        (job,) = keyed(row.namespace, [NewJob(read_spec(row.job.encode(), now_ms=now_ms))])
    except InvalidInput as refusal:
        log_event(_log, "schedule.refused", level=logging.ERROR, schedule=row.name, detail=refusal.detail)
        return []
    make, shard = wiring.identity().make, shard_of(row.id, wiring.backend().shards)
    return [
        (
            make(shard),
            msgspec.structs.replace(
                job.spec, scheduled_for=jittered(row.id, nominal, row.jitter_ms), schedule=(row.id, nominal)
            ),
        )
        for nominal in wanted.due[:MAX_BATCH]
    ]


def _note(each: _Due) -> None:
    """Copy what is decided, unless the schedule was changed in between, or others know of more."""
    until_ms = each.plan.until_ms
    rows = Schedule.objects.filter(pk=each.row.pk, revision=each.row.revision, decided_ms__lte=until_ms)
    rows.update(decided_ms=until_ms, next_ms=timing_of(each.row).next_after(until_ms))
