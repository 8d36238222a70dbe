"""Makes schedules fire: any number of processes may do it at once, and any of them may die at any moment.

A process reads which schedules have instants to decide, asks the store up to when they are decided, and tells it what
to decide about the rest. The store does so only where nobody else has in between (`fire.lua`), so each instant is
decided once. What the database has of it is a copy, from which a process knows when to look.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import msgspec
from django.db import transaction
from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber

from jobs import wiring
from jobs.access.schedule import Schedule
from jobs.backends.base import MAX_BATCH
from jobs.backends.schedules import Fire, Schedules
from jobs.domain.errors import BackendUnavailable, InvalidInput
from jobs.domain.fire import Decided, ScheduleState
from jobs.domain.job import JobSpec
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.domain.schedule import ON_TIME_MS, Plan, jittered, plan
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.domain.shard import shard_of
from jobs.services.admission import admission
from jobs.services.apart import answers_apart
from jobs.services.schedule_mending import let_wait, looked_at, mend_clocks, mended, note_broken
from jobs.services.schedule_rows import timing_of
from jobs.services.submission import NewJob, keyed, read_spec
from jobs.services.submit_span import SubmitSpan
from jobs.telemetry.logs import get_logger, log_event

_ROWS = 100
# One script stores no more of payloads: the store does nothing else meanwhile.
_SCRIPT_BYTES = 1024 * 1024
_JOB_BYTES = 512
# One round trip carries no more.
_TRIP_BYTES = 4 * _SCRIPT_BYTES
_MEND_EVERY_S = 30.0
# So long waits what the store did not decide, or delayed.
_SOON_MS = 500
_log = get_logger("server")
# Names no schedule; it is asked for the time alone.
_NOBODY = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class _Due:
    row: Schedule
    plan: Plan
    fire: Fire | None  # None: others have decided already
    fault: str = ""
    is_part: bool = False
    spans: Mapping[str, SubmitSpan] = field(default_factory=dict)  # of the jobs, by id

    @property
    def size(self) -> int:
        return sum(_JOB_BYTES + len(spec.payload) for _, spec in self.fire.jobs) if self.fire is not None else 0


class Ticker:
    """Decides about what is due. `namespace` is whose clock it goes by, and with `only_there` all that it looks at."""

    def __init__(
        self,
        namespace: str = DEFAULT_NAMESPACE,
        *,
        only_there: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespace = namespace
        self._only_there = only_there
        self._monotonic = monotonic
        self._ahead_ms = 0
        self._mend_at = 0.0

    def tick(self) -> bool:
        """Decide about up to 100 schedules; True when there may be more. Raises BackendUnavailable.

        Authorizes nothing: who made a schedule was authorized then.
        """
        now_ms = self._now_ms()
        active = Schedule.objects.filter(is_paused=False, is_asleep=False)
        if self._only_there:
            active = active.filter(namespace=self._namespace)
        if self._monotonic() >= self._mend_at:
            mend_clocks(active, now_ms)
            self._mend_at = self._monotonic() + _MEND_EVERY_S
        rows = sorted(_share(active.filter(next_ms__lte=now_ms).filter(looked_at(now_ms))), key=_place_of)
        if not rows:
            return False
        admission().require_room()
        has_more = len(rows) == _ROWS
        for (namespace, _), some in groupby(rows, key=_place_of):
            at_once = list(some)
            try:
                has_more |= _decide(namespace, at_once, now_ms)
            except BackendUnavailable as failure:
                # The other shards and their schedules do not wait for this one.
                log_event(_log, "schedules.late", level=logging.WARNING, detail=failure.detail, namespace=namespace)
                let_wait(at_once, now_ms + 2 * _SOON_MS)
        return has_more

    def _now_ms(self) -> int:
        """Return the store's time, by which others may have planned; by our own clock while the store is away."""
        try:
            state = wiring.runner().run(wiring.backend().schedules(self._namespace).state(_NOBODY))
        except BackendUnavailable:
            return int(time.time() * 1000) + self._ahead_ms
        self._ahead_ms = state.now_ms - int(time.time() * 1000)
        return state.now_ms


def _share(due: QuerySet[Schedule]) -> QuerySet[Schedule]:
    """Return the first rows, by turns of the namespaces: one with very many leaves the others theirs."""
    turn = Window(RowNumber(), partition_by="namespace", order_by="next_ms")
    return due.annotate(turn=turn).order_by("turn", "next_ms")[:_ROWS]


def _decide(namespace: str, rows: Sequence[Schedule], now_ms: int) -> bool:
    """Decide about rows of one place; True when some of them are due again. Raises BackendUnavailable."""
    schedules = wiring.backend().schedules(namespace)
    states = answers_apart([schedules.state(row.id) for row in rows])
    tried = [_try_plan(row, state, now_ms) for row, state in zip(rows, states, strict=True)]
    planned = [each for each in tried if each is not None]
    decided = _fired(schedules, planned)
    has_more = False
    with transaction.atomic():
        for each in planned:
            answer = decided.get(each.row.id)
            if isinstance(answer, Exception):
                note_broken(each.row, answer, each.plan.until_ms)
            elif each.fire is None:
                _note(each, each.plan.until_ms, is_delayed=False)
            elif answer is not None and answer.code == "fired":
                # Whoever was first writes down what is decided; who was not looks again in the next round.
                until_ms = answer.mark_ms if answer.mark_ms is not None else each.plan.until_ms
                _note(each, until_ms, is_delayed=until_ms < each.plan.until_ms)
                _end_spans(each, answer)
                has_more |= each.is_part
    return has_more


def _try_plan(row: Schedule, state: ScheduleState | Exception, now_ms: int) -> _Due | None:
    """Return what is to be decided about a row; None for one that was mended, or is broken and waits.

    Raises BackendUnavailable.
    """
    if isinstance(state, Exception):
        note_broken(row, state, now_ms)
        return None
    try:
        return None if mended(row, state) else _planned(row, state)
    except BackendUnavailable:
        raise
    except Exception as failure:  # noqa: BLE001 - the others do not wait for this one
        note_broken(row, failure, now_ms)
        return None


def _fired(schedules: Schedules, planned: Sequence[_Due]) -> dict[str, Decided | Exception]:
    """Let the store decide, as much in a round trip as it carries; return what it answered, by schedule."""
    decided: dict[str, Decided | Exception] = {}
    trip: list[Fire] = []
    size = 0
    for each in planned:
        if each.fire is None:
            continue
        if trip and size + each.size > _TRIP_BYTES:
            decided |= zip(
                (it.schedule_id for it in trip), answers_apart([schedules.fire(it) for it in trip]), strict=True
            )
            trip, size = [], 0
        trip.append(each.fire)
        size += each.size
    return decided | dict(
        zip((it.schedule_id for it in trip), answers_apart([schedules.fire(it) for it in trip]), strict=True)
    )


def _place_of(row: Schedule) -> tuple[str, int]:
    return row.namespace, shard_of(row.id, wiring.backend().shards)


def _planned(row: Schedule, state: ScheduleState) -> _Due:
    # Of instants that have their jobs from when the clock was ahead, none is made again, and none before is made good.
    gone_by = [instant for instant in state.ahead if instant < state.now_ms - ON_TIME_MS]
    after_ms = max(row.starts_ms, row.decided_ms if state.mark_ms is None else state.mark_ms, *gone_by)
    wanted = plan(timing_of(row), CatchUp(row.catch_up), row.catch_up_limit, after_ms, state.now_ms)
    if not wanted.due and not wanted.missed:
        return _Due(row, Plan(max(after_ms, row.decided_ms), ()), None)
    wanted = replace(wanted, due=tuple(instant for instant in wanted.due if instant not in state.ahead))
    spec, fault = _spec_of(row, state.now_ms) if wanted.due else (None, "")
    wanted, is_part = _bounded(wanted, len(spec.payload) if spec is not None else 0)
    spans: dict[str, SubmitSpan] = {}
    jobs = _jobs_of(row, spec, wanted.due, spans) if spec is not None else []
    is_refused = bool(wanted.due) and not jobs
    fire = Fire(
        row.id,
        wiring.identity().make(),
        row.revision,
        state.mark_ms or 0,
        wanted.until_ms,
        Overlap(row.overlap),
        wanted.due if jobs else (),
        jobs,
        wanted.missed + len(wanted.due) if is_refused else wanted.missed,
        (wanted.due[-1] if is_refused else wanted.last_missed) or 0,
    )
    return _Due(row, wanted, fire, fault, is_part, spans)


def _bounded(wanted: Plan, payload_bytes: int) -> tuple[Plan, bool]:
    """Return as much of a plan, from its begin, as one script stores; True for a part: the rest is due at once."""
    most = max(1, min(MAX_BATCH, _SCRIPT_BYTES // (_JOB_BYTES + payload_bytes)))
    if len(wanted.due) <= most:
        return wanted, False
    return replace(wanted, due=wanted.due[:most], until_ms=wanted.due[most] - 1), True


def _spec_of(row: Schedule, now_ms: int) -> tuple[JobSpec | None, str]:
    """Return what its jobs are; None and why where this installation does not take them any more."""
    try:
        (job,) = keyed(row.namespace, [NewJob(read_spec(row.job.encode(), now_ms=now_ms))])
    except InvalidInput as refusal:
        log_event(_log, "schedule.refused", level=logging.ERROR, schedule=row.name, detail=refusal.detail)
        return None, refusal.detail
    return job.spec, ""


def _jobs_of(
    row: Schedule, spec: JobSpec, instants: Sequence[int], spans: dict[str, SubmitSpan]
) -> list[tuple[str, JobSpec]]:
    """Return a job for each instant, each in a span of its own."""
    shard = shard_of(row.id, wiring.backend().shards)
    jobs = []
    for nominal in instants:
        job_id = wiring.identity().make(shard)
        due = jittered(row.id, nominal, row.jitter_ms)
        job = NewJob(msgspec.structs.replace(spec, scheduled_for=due, schedule=(row.id, nominal)))
        spans[job_id] = SubmitSpan(row.namespace, (job,))
        jobs.append((job_id, spans[job_id].of(job.spec)))
    return jobs


def _end_spans(each: _Due, decided: Decided) -> None:
    """End the spans of jobs that there are now; the others are never told."""
    for job_id, outcome in decided.outcomes:
        if outcome == "fired" and job_id in each.spans:
            each.spans[job_id].named(job_id)
            each.spans[job_id].end()


def _note(each: _Due, until_ms: int, *, is_delayed: bool) -> None:
    """Copy what is decided, unless the schedule was changed in between, or others know of more."""
    rows = Schedule.objects.filter(pk=each.row.pk, revision=each.row.revision, decided_ms__lte=until_ms)
    rows.update(
        decided_ms=until_ms,
        next_ms=timing_of(each.row).next_after(until_ms),
        fault=each.fault[:500],
        failures=0,
        look_ms=each.plan.until_ms + _SOON_MS if is_delayed else 0,
    )
