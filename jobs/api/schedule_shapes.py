"""Schedules as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.fire import NoteOutcome
from jobs.domain.instant import instant, rfc3339, text_of
from jobs.domain.payload import encode_json
from jobs.services.schedule_rows import ScheduleDetails
from jobs.services.schedule_runs import Outcome, Preview


class PausedShape(msgspec.Struct, frozen=True):
    """Who paused it, and why."""

    by: str
    reason: str
    at: str | None


class ScheduleShape(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule. `job` are the fields of its jobs that were given, the payload only for who may read it.

    `asleep`: code declares it, and no worker with that code has been there for a while. `broken`: it
    cannot fire, `fault` says why. `owned_by` is `code` or `api`.
    """

    id: str
    name: str
    status: Literal["active", "paused", "asleep", "broken", "ended"]
    fault: str | None
    cron: str | None
    cron_in_words: str | None
    every_ms: int | None
    at: str | None
    timezone: str
    catch_up: Literal["skip", "latest", "all"]
    catch_up_limit: int | None
    overlap: Literal["allow", "skip", "queue_one"]
    jitter_ms: int
    kind: str
    job: msgspec.Raw
    next_fire_at: str | None
    paused: PausedShape | None
    owned_by: Literal["code", "api"]
    created_by: str
    created_at: str
    changed_at: str


class ScheduleListShape(msgspec.Struct, frozen=True):
    """All schedules, by name."""

    data: tuple[ScheduleShape, ...]
    page: PageShape = PageShape()


class ComingFireShape(msgspec.Struct, frozen=True):
    """An instant to come; `gap`: clocks were set forward over its time, `repeated`: clocks show its time twice."""

    at: str
    local: str
    note: str | None


class PreviewWarningShape(msgspec.Struct, frozen=True):
    """What surprises people: `dst_gap`, `dst_repeated`, `herd_minute`."""

    code: str
    detail: str
    at: str


class PreviewShape(msgspec.Struct, frozen=True):
    """The next instants."""

    data: tuple[ComingFireShape, ...]
    warnings: tuple[PreviewWarningShape, ...]


class FireShape(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an instant, or of `count` missed ones up to it. `job_status` is null for a job that is gone."""

    nominal_at: str
    decided_at: str
    outcome: NoteOutcome
    count: int
    job_id: str | None
    job_status: str | None


class FireListShape(msgspec.Struct, frozen=True):
    """The newest first; `fault` says why the next cannot fire, null where it can."""

    data: tuple[FireShape, ...]
    fault: str | None = None
    page: PageShape = PageShape()


def schedule_shape(details: ScheduleDetails) -> ScheduleShape:
    """Return a schedule."""
    timing = details.timing
    paused = PausedShape(
        details.paused_by, details.pause_reason, text_of(details.paused_at) if details.paused_at else None
    )
    return ScheduleShape(
        id=details.id,
        name=details.name,
        status=details.status,
        fault=details.fault or None,
        cron=timing.cron or None,
        cron_in_words=timing.cron_words or None,
        every_ms=timing.every_ms or None,
        at=rfc3339(timing.at_ms),
        timezone=timing.zone,
        catch_up=details.catch_up.value,
        catch_up_limit=details.catch_up_limit if details.catch_up == "all" else None,
        overlap=details.overlap.value,
        jitter_ms=details.jitter_ms,
        kind=details.kind,
        job=msgspec.Raw(encode_json(details.job)),
        next_fire_at=rfc3339(details.next_ms),
        paused=paused if details.is_paused else None,
        owned_by="code" if details.is_code else "api",
        created_by=details.created_by,
        created_at=text_of(details.created_at),
        changed_at=text_of(details.changed_at),
    )


def preview_shape(preview: Preview) -> PreviewShape:
    """Return what is to come."""
    return PreviewShape(
        tuple(ComingFireShape(instant(fire.at_ms), fire.local, fire.note) for fire in preview.fires),
        tuple(PreviewWarningShape(it.code, it.detail, instant(it.at_ms)) for it in preview.warnings),
    )


def history_shape(outcomes: list[Outcome], fault: str) -> FireListShape:
    """Return what has been, and why there is no more."""
    return FireListShape(
        fault=fault or None,
        data=tuple(
            FireShape(
                nominal_at=instant(outcome.note.nominal_ms),
                decided_at=instant(outcome.note.at_ms),
                outcome=outcome.note.outcome,
                count=outcome.note.count,
                job_id=outcome.note.job_id,
                job_status=outcome.status,
            )
            for outcome in outcomes
        ),
    )
