"""Schedules as the server shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ironforge_client.jobs import maybe_time, read_time


@dataclass(frozen=True, slots=True)
class Schedule:
    """What makes jobs by the clock. One of `cron`, `every_ms` and `at` is there; `job` are the fields of its jobs.

    `status` is active, paused, asleep (code declares it, and no worker with that code is there), broken (it cannot
    fire: `document["fault"]` says why) or ended.
    """

    id: str
    name: str
    status: str
    cron: str | None
    every_ms: int | None
    at: datetime | None
    timezone: str
    catch_up: str
    overlap: str
    jitter_ms: int
    kind: str
    job: Mapping[str, Any]
    next_fire_at: datetime | None
    is_owned_by_code: bool
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ComingFire:
    """An instant to come; `local` is what the clocks of the zone show. `note` is `gap`, `repeated` or None."""

    at: datetime
    local: str
    note: str | None


@dataclass(frozen=True, slots=True)
class PreviewWarning:
    """What is odd about the instants to come: `dst_gap`, `dst_repeated`, `herd_minute`; `broken`: none."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The next instants of a schedule."""

    fires: tuple[ComingFire, ...]
    warnings: tuple[PreviewWarning, ...]


@dataclass(frozen=True, slots=True)
class Fire:
    """What became of an instant: `fired`, `by_hand`, `overlap`, `missed` (`count` up to it), `delayed`, or refused."""

    nominal_at: datetime
    outcome: str
    count: int
    job_id: str | None
    job_status: str | None


def read_schedule(document: Mapping[str, Any]) -> Schedule:
    """Return the schedule of an answer."""
    return Schedule(
        id=document["id"],
        name=document["name"],
        status=document["status"],
        cron=document["cron"],
        every_ms=document["every_ms"],
        at=maybe_time(document["at"]),
        timezone=document["timezone"],
        catch_up=document["catch_up"],
        overlap=document["overlap"],
        jitter_ms=document["jitter_ms"],
        kind=document["kind"],
        job=document["job"],
        next_fire_at=maybe_time(document["next_fire_at"]),
        is_owned_by_code=document["owned_by"] == "code",
        document=document,
    )


def read_preview(document: Mapping[str, Any]) -> Preview:
    """Return the preview of an answer."""
    return Preview(
        tuple(ComingFire(read_time(fire["at"]), fire["local"], fire["note"]) for fire in document["data"]),
        tuple(PreviewWarning(warning["code"], warning["detail"]) for warning in document["warnings"]),
    )


def read_fire(document: Mapping[str, Any]) -> Fire:
    """Return one entry of a history."""
    return Fire(
        read_time(document["nominal_at"]),
        document["outcome"],
        document["count"],
        document["job_id"],
        document["job_status"],
    )
