"""Schedules as the database has them, and as faces see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import Error as DatabaseFailure

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.schedule import Schedule
from jobs.access.scopes import Action
from jobs.domain.errors import NotFound
from jobs.domain.identity import parse_id
from jobs.domain.instant import instant
from jobs.domain.payload import encode_json, read_json
from jobs.domain.schedule import Timing
from jobs.domain.schedule_body import ScheduleDraft
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.services.acts import database_unavailable

# `asleep`: code declares it, and no worker with that code has been there for a while. `broken`: it cannot fire.
ScheduleStatus = Literal["active", "paused", "asleep", "broken", "ended"]


@dataclass(frozen=True, slots=True)
class ScheduleDetails:
    """A schedule. Times ending in `_ms` are Unix ms; `job` lacks its payload where the reader may not see it."""

    id: str
    name: str
    timing: Timing
    catch_up: CatchUp
    catch_up_limit: int
    overlap: Overlap
    jitter_ms: int
    job: dict[str, object]
    status: ScheduleStatus
    is_code: bool
    is_paused: bool
    next_ms: int | None
    fault: str
    pause_reason: str
    paused_by: str
    paused_at: datetime | None
    created_by: str
    created_at: datetime
    changed_at: datetime

    @property
    def kind(self) -> str:
        """Return the kind of its jobs."""
        return str(self.job["kind"])


@contextmanager
def database() -> Iterator[None]:
    """Translate the failure of a database that does not answer. Raises BackendUnavailable."""
    try:
        yield
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def find_row(actor: Actor, reference: str) -> Schedule:
    """Return a schedule by id or name. Raises NotFound or BackendUnavailable."""
    known = parse_id(reference)
    rows = Schedule.objects.filter(namespace=actor.namespace)
    with database():
        row = rows.filter(pk=known).first() if known else rows.filter(name=reference[:64].replace("\0", "")).first()
    if row is None:
        raise NotFound(f"There is no schedule {reference[:64]!r}.")
    return row


def details_of(actor: Actor, row: Schedule) -> ScheduleDetails:
    """Return a row as far as the actor may see it."""
    job = shown_job(job_of(row))
    if not policy.can(actor, Action.PAYLOAD_READ):
        job.pop("payload", None)
    return ScheduleDetails(
        id=row.id,
        name=row.name,
        timing=timing_of(row),
        catch_up=CatchUp(row.catch_up),
        catch_up_limit=row.catch_up_limit,
        overlap=Overlap(row.overlap),
        jitter_ms=row.jitter_ms,
        job=job,
        status=_status_of(row),
        is_code=row.is_code,
        is_paused=row.is_paused,
        next_ms=None if row.is_paused or row.is_asleep else row.next_ms,
        fault=row.fault,
        pause_reason=row.pause_reason,
        paused_by=row.paused_by,
        paused_at=row.paused_at,
        created_by=row.created_by,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def timing_of(row: Schedule) -> Timing:
    """Return when it fires."""
    return Timing(cron=row.cron, zone=row.zone, every_ms=row.every_ms, anchor_ms=row.anchor_ms, at_ms=row.at_ms)


def timing_source(timing: Timing) -> dict[str, object]:
    """Return the one of the three that it is, as a client would write it."""
    if timing.at_ms is not None:
        return {"at": instant(timing.at_ms)}
    return {"every_ms": timing.every_ms} if timing.every_ms else {"cron": timing.cron}


def job_of(row: Schedule) -> dict[str, object]:
    """Return the fields of the jobs that it makes."""
    job = read_json(row.job.encode())
    return job if isinstance(job, dict) else {}


def source_of(row: Schedule) -> dict[str, object]:
    """Return a row as a client would write it."""
    own: dict[str, object] = {
        "name": row.name,
        "timezone": row.zone,
        "catch_up": row.catch_up,
        "overlap": row.overlap,
        "jitter_ms": row.jitter_ms,
        **timing_source(timing_of(row)),
    }
    if row.catch_up == "all":
        own["catch_up_limit"] = row.catch_up_limit
    return {**job_of(row), **own}


def shown_job(job: dict[str, object]) -> dict[str, object]:
    """Return the fields of a job without the query of its webhook, which may hold a key."""
    webhook = job.get("webhook")
    return {**job, "webhook": webhook.partition("?")[0]} if isinstance(webhook, str) else dict(job)


def fill_row(row: Schedule, draft: ScheduleDraft, now_ms: int) -> None:
    """Let a row be what a draft says; where its timing changes, its instants begin now."""
    before = timing_of(row)
    is_same = (draft.timing.cron, draft.timing.zone, draft.timing.every_ms, draft.timing.at_ms) == (
        before.cron,
        before.zone,
        before.every_ms,
        before.at_ms,
    )
    row.name, row.jitter_ms, row.job = draft.name, draft.jitter_ms, encode_json(draft.job).decode()
    row.catch_up, row.catch_up_limit = draft.catch_up.value, draft.catch_up_limit
    row.overlap = draft.overlap.value
    if not is_same or row.starts_ms is None:
        row.cron, row.zone, row.every_ms = draft.timing.cron, draft.timing.zone, draft.timing.every_ms
        row.anchor_ms, row.at_ms = now_ms, draft.timing.at_ms
        begin_at(row, now_ms)


def begin_at(row: Schedule, now_ms: int) -> None:
    """Let its instants begin behind a time."""
    row.starts_ms = row.decided_ms = now_ms
    try:
        row.next_ms = timing_of(row).next_after(now_ms)
    except Exception:  # noqa: BLE001 - a row that was broken from outside can be paused and resumed
        # Whoever makes it fire finds the reason, and notes it.
        row.next_ms = now_ms


def store_now(namespace: str, schedule_id: str) -> int:
    """Return the time (Unix ms) where a schedule is kept. Raises BackendUnavailable."""
    return wiring.runner().run(wiring.backend().schedules(namespace).state(schedule_id)).now_ms


def _status_of(row: Schedule) -> ScheduleStatus:
    if row.is_asleep:
        return "asleep"
    if row.is_paused:
        return "paused"
    if row.fault:
        return "broken"
    return "ended" if row.next_ms is None else "active"
