"""From what a client says of a schedule to a `ScheduleDraft`, with every problem reported at once.

The fields of the job that it makes stand beside its own, as in `POST /jobs`.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.domain.cron import MAX_CRON, CronFault
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.identity import parse_id
from jobs.domain.naming import QUEUE, is_queue
from jobs.domain.reader import parse_instant
from jobs.domain.schedule import (
    DEFAULT_CATCH_UP_LIMIT,
    MAX_CATCH_UP_LIMIT,
    MAX_EVERY_MS,
    MAX_JITTER_MS,
    MIN_EVERY_MS,
    Timing,
)
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.domain.validation import parse_job
from jobs.domain.zone_time import is_zone

# Addresses below `/schedules`, of API or console.
RESERVED_NAMES = frozenset({"preview", "new"})
TIMING_FIELDS = frozenset({"cron", "every_ms", "at"})
OWN_FIELDS = TIMING_FIELDS | {"name", "timezone", "catch_up", "catch_up_limit", "overlap", "jitter_ms"}
# The instant and the overlap decide about these.
NOT_OF_ITS_JOBS = ("scheduled_for", "expires_at", "unique", "debounce")
_MAX_AHEAD_MS = 5 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule that was found sound. `job` are the fields of the jobs that it makes."""

    name: str
    timing: Timing
    catch_up: CatchUp
    catch_up_limit: int
    overlap: Overlap
    jitter_ms: int
    job: dict[str, object]


def read_draft(source: dict[str, object], *, now_ms: int) -> ScheduleDraft:
    """Return the schedule that an object describes. Raises InvalidInput with all problems."""
    problems: list[Problem] = []
    own = {name: value for name, value in source.items() if name in OWN_FIELDS}
    fields = FieldReader(own, "", problems, OWN_FIELDS)
    catch_up = CatchUp(fields.choice("catch_up", tuple(CatchUp), CatchUp.LATEST))
    draft = ScheduleDraft(
        name=_name(fields),
        timing=_timing(fields, now_ms),
        catch_up=catch_up,
        catch_up_limit=fields.integer("catch_up_limit", 1, MAX_CATCH_UP_LIMIT, DEFAULT_CATCH_UP_LIMIT),
        overlap=Overlap(fields.choice("overlap", tuple(Overlap), Overlap.ALLOW)),
        jitter_ms=fields.integer("jitter_ms", 0, MAX_JITTER_MS, 0),
        job={name: value for name, value in source.items() if name not in OWN_FIELDS},
    )
    if fields.has("catch_up_limit") and catch_up is not CatchUp.ALL:
        fields.refuse("catch_up_limit", "not_allowed", "catch_up_limit is there for catch_up `all` only.")
    for name in NOT_OF_ITS_JOBS:
        if draft.job.get(name) is not None:
            fields.refuse(name, "not_allowed", f"A schedule says itself when its jobs run: {name} has no place in it.")
    try:
        parse_job(draft.job, now_ms=now_ms)
    except InvalidInput as refusal:
        problems += refusal.problems
    if problems:
        raise InvalidInput(problems)
    return draft


def read_timing(source: dict[str, object], known: frozenset[str], *, now_ms: int) -> Timing:
    """Return the timing that an object describes among other `known` fields. Raises InvalidInput with all problems."""
    problems: list[Problem] = []
    timing = _timing(FieldReader(source, "", problems, known), now_ms)
    if problems:
        raise InvalidInput(problems)
    return timing


def _name(fields: FieldReader) -> str:
    name = fields.name("name", is_queue, f"^{QUEUE.pattern}$", None)
    if name in RESERVED_NAMES or parse_id(name) is not None:
        fields.refuse("name", "reserved_name", "This name is an address or an id.")
    return name


def _timing(fields: FieldReader, now_ms: int) -> Timing:
    given = sorted(name for name in TIMING_FIELDS if fields.has(name))
    zone = _zone(fields)
    if len(given) != 1:
        fields.refuse_whole("no_timing" if not given else "two_timings", "Give one of cron, every_ms and at.")
    elif given == ["every_ms"]:
        return Timing(every_ms=fields.integer("every_ms", MIN_EVERY_MS, MAX_EVERY_MS, MIN_EVERY_MS), zone=zone)
    elif given == ["at"]:
        return Timing(at_ms=_at(fields, now_ms), zone=zone)
    else:
        return Timing(cron=_cron(fields, zone, now_ms), zone=zone)
    return Timing()


def _zone(fields: FieldReader) -> str:
    zone = fields.text("timezone", 64, "UTC")
    if is_zone(zone):
        return zone
    fields.refuse("timezone", "unknown_timezone", f"{zone!r} is no zone of the IANA database, such as Europe/Paris.")
    return "UTC"


def _cron(fields: FieldReader, zone: str, now_ms: int) -> str:
    text = fields.value("cron")
    if not isinstance(text, str):
        fields.refuse("cron", "invalid_type", "cron must be a string.")
        return ""
    try:
        Timing(cron=text[: MAX_CRON + 1], zone=zone).require_firing(now_ms)
    except CronFault as fault:
        detail = f"{fault.detail} (at character {fault.position + 1})"
        fields.refuse_placed("cron", fault.code, detail, fault.position)
    return text


def _at(fields: FieldReader, now_ms: int) -> int | None:
    value = fields.value("at")
    instant = parse_instant(value) if isinstance(value, str) else None
    if instant is None:
        detail = "at must be an RFC 3339 date and time with an offset, such as 2026-01-17T10:30:00Z."
        fields.refuse("at", "invalid_time", detail)
    elif not now_ms < instant <= now_ms + _MAX_AHEAD_MS:
        fields.refuse("at", "out_of_range", "at must be within the next five years.")
    return instant
