"""Schedules: made, looked at, changed, paused, resumed and removed. What makes them fire is `jobs.services.ticking`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce, Length
from django.utils import timezone

from jobs import wiring
from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.schedule import Schedule
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.payload import encode_json
from jobs.domain.schedule_body import TIMING_FIELDS, ScheduleDraft, read_draft
from jobs.domain.schedule_policy import MAX_JOBS_LENGTH, MAX_SCHEDULES
from jobs.domain.shard import shard_of
from jobs.services.placement import keys_of, shard_of_keys, shards_for
from jobs.services.schedule_rows import (
    ScheduleDetails,
    begin_at,
    database,
    details_of,
    fill_row,
    find_row,
    shown_job,
    source_of,
    store_now,
)
from jobs.services.submission import NewJob, keyed, read_spec

_REASON_LENGTH = 500


def list_schedules(actor: Actor) -> list[ScheduleDetails]:
    """Return the schedules of the namespace, by name. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.SCHEDULE_READ)
    with database():
        return [details_of(actor, row) for row in Schedule.objects.filter(namespace=actor.namespace)]


def get_schedule(actor: Actor, reference: str) -> ScheduleDetails:
    """Return a schedule by id or name. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.SCHEDULE_READ)
    return details_of(actor, find_row(actor, reference))


def create_schedule(actor: Actor, source: dict[str, object], *, reason: str = "") -> ScheduleDetails:
    """Make a schedule of what a client says. Raises NotPermitted, BackendUnavailable, InvalidInput with all problems
    (`too_many_schedules`, `schedules_too_large`), or StateConflict `name_taken`.
    """
    policy.authorize(actor, Action.SCHEDULE_CREATE)
    now_ms = store_now(actor.namespace, new_schedule_id())
    draft = draft_of(source, now_ms)
    schedule_id = new_schedule_id(shard_for(actor.namespace, draft))
    row = Schedule(id=schedule_id, namespace=actor.namespace, created_by=actor.label[:200])
    fill_row(row, draft, now_ms)
    with database():
        save_row(actor, Action.SCHEDULE_CREATE, row, None, reason, is_new=True)
    return details_of(actor, row)


def put_schedule(
    actor: Actor, reference: str, source: dict[str, object], *, reason: str = ""
) -> tuple[ScheduleDetails, bool]:
    """Let a schedule be what a client says, and make it where there is none of that name; True for a new one.

    Raises as `create_schedule` does, or StateConflict (`owned_by_code`, `schedule_changed`).
    """
    policy.authorize(actor, Action.SCHEDULE_CHANGE)
    try:
        row = find_row(actor, reference)
    except NotFound:
        named = {"name": reference, **source}
        if named["name"] != reference:
            detail = "The name in the body is not the one of the address."
            raise InvalidInput([Problem("/name", "other_name", detail)]) from None
        try:
            return create_schedule(actor, named, reason=reason), True
        except StateConflict as raced:
            if raced.code != "name_taken":
                raise
            row = find_row(actor, reference)
    return _changed(actor, row, {"name": row.name, **source}, reason), False


def patch_schedule(actor: Actor, reference: str, changes: dict[str, object], *, reason: str = "") -> ScheduleDetails:
    """Change some fields of a schedule; null takes one back to its default. Raises as `put_schedule`, or NotFound."""
    policy.authorize(actor, Action.SCHEDULE_CHANGE)
    row = find_row(actor, reference)
    kept = source_of(row)
    if any(changes.get(name) is not None for name in TIMING_FIELDS):
        kept = {name: value for name, value in kept.items() if name not in TIMING_FIELDS}
    if changes.get("catch_up") is not None:
        kept.pop("catch_up_limit", None)
    merged = {name: value for name, value in {**kept, **changes}.items() if value is not None}
    return _changed(actor, row, merged, reason)


def delete_schedule(actor: Actor, reference: str, *, reason: str = "") -> None:
    """Remove a schedule; jobs that it has made stay. Raises NotPermitted, NotFound, StateConflict or
    BackendUnavailable.
    """
    policy.authorize(actor, Action.SCHEDULE_DELETE)
    row = find_row(actor, reference)
    if row.is_code and not row.is_asleep:
        raise _owned_by_code()
    store_now(actor.namespace, row.id)
    with database(), transaction.atomic():
        schedule_id, before = row.id, state_of(row)
        if not row.delete()[0]:
            raise NotFound(f"There is no schedule {reference[:64]!r}.")  # somebody else was first
        audit.record(actor, Action.SCHEDULE_DELETE, "schedule", schedule_id, reason=reason, before=before)
    _tell(actor, schedule_id, row.revision, "remove")


def pause_schedule(actor: Actor, reference: str, *, reason: str = "") -> ScheduleDetails:
    """Let nothing fire until it is resumed. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.SCHEDULE_PAUSE)
    row = find_row(actor, reference)
    if row.is_paused:
        return details_of(actor, row)
    before = state_of(row)
    row.is_paused, row.pause_reason, row.paused_by = True, reason[:_REASON_LENGTH], actor.label[:200]
    row.paused_at = timezone.now()
    with database():
        save_row(actor, Action.SCHEDULE_PAUSE, row, before, reason)
    return details_of(actor, row)


def resume_schedule(actor: Actor, reference: str, *, reason: str = "") -> ScheduleDetails:
    """Let it fire from now on; what it would have done while it was paused is left out, whatever its catch-up is.

    Raises NotPermitted, NotFound or BackendUnavailable.
    """
    policy.authorize(actor, Action.SCHEDULE_RESUME)
    row = find_row(actor, reference)
    if not row.is_paused:
        return details_of(actor, row)
    before = state_of(row)
    row.is_paused, row.pause_reason, row.paused_by, row.paused_at = False, "", "", None
    begin_at(row, store_now(actor.namespace, row.id))
    with database():
        save_row(actor, Action.SCHEDULE_RESUME, row, before, reason)
    return details_of(actor, row)


def _changed(actor: Actor, row: Schedule, source: dict[str, object], reason: str) -> ScheduleDetails:
    if row.is_code:
        raise _owned_by_code()
    before, now_ms = state_of(row), store_now(actor.namespace, row.id)
    draft = draft_of(source, now_ms)
    if shard_for(actor.namespace, draft) not in (None, shard_of(row.id, wiring.backend().shards)):
        detail = "Jobs of this limit key are of another shard than the schedule: make a new one."
        raise InvalidInput([Problem("/limit_key", "shard_conflict", detail)], code="shard_conflict")
    fill_row(row, draft, now_ms)
    with database():
        save_row(actor, Action.SCHEDULE_CHANGE, row, before, reason)
    return details_of(actor, row)


def draft_of(source: dict[str, object], now_ms: int) -> ScheduleDraft:
    """Return the schedule that an object describes. Raises InvalidInput with all problems."""
    draft = read_draft(source, now_ms=now_ms)
    # What only this installation can judge, such as the address of a webhook.
    read_spec(encode_json(draft.job), now_ms=now_ms)
    return draft


def save_row(
    actor: Actor,
    action: Action,
    row: Schedule,
    before: Mapping[str, object] | None,
    reason: str,
    *,
    is_new: bool = False,
) -> None:
    """Write a row and the record of it together, and tell the store that what others have read is old.

    Raises BackendUnavailable, InvalidInput (`too_many_schedules`, `schedules_too_large`), or StateConflict
    (`name_taken`, `schedule_changed`).
    """
    known = row.revision
    # What was wrong with it may be mended: it is looked at again.
    row.fault, row.failures, row.look_ms = "", 0, 0
    try:
        with transaction.atomic():
            if action in (Action.SCHEDULE_CREATE, Action.SCHEDULE_CHANGE):
                _require_room(row)
            if is_new:
                row.save(force_insert=True)
            else:
                # A row that was changed in between is not the one that the caller has seen.
                if not Schedule.objects.filter(pk=row.pk, revision=known).update(revision=known + 1):
                    raise StateConflict("Somebody else has just changed it.", code="schedule_changed")
                row.revision = known + 1
                row.save()
            audit.record(actor, action, "schedule", row.id, reason=reason, before=before, after=state_of(row))
    except IntegrityError:
        raise StateConflict(f"There is a schedule {row.name!r} already.", code="name_taken") from None
    _tell(actor, row.id, row.revision, "keep")


def _require_room(row: Schedule) -> None:
    others = Schedule.objects.filter(namespace=row.namespace).exclude(pk=row.pk)
    known = others.aggregate(number=Count("pk"), length=Coalesce(Sum(Length("job")), 0))
    if known["number"] >= MAX_SCHEDULES:
        detail = f"The namespace has {MAX_SCHEDULES} schedules already."
        raise InvalidInput([Problem("", "too_many_schedules", detail)], code="too_many_schedules")
    if known["length"] + len(row.job) > MAX_JOBS_LENGTH:
        detail = f"The jobs of all schedules of a namespace have at most {MAX_JOBS_LENGTH} characters of JSON together."
        raise InvalidInput([Problem("", "schedules_too_large", detail)], code="schedules_too_large")


def _tell(actor: Actor, schedule_id: str, revision: int, manner: Literal["keep", "remove"]) -> None:
    wiring.runner().run(wiring.backend().schedules(actor.namespace).amend(schedule_id, revision, manner))


def new_schedule_id(shard: int | None = None) -> str:
    """Return an id of a shard, of any without one: the jobs of the schedule will be there."""
    (anywhere,) = shards_for([{}], wiring.backend().shards)
    return wiring.identity().make(anywhere if shard is None else shard)


def shard_for(namespace: str, draft: ScheduleDraft) -> int | None:
    """Return the shard that the limit key of its jobs is of; None without one. Raises BackendUnavailable."""
    (job,) = keyed(namespace, [NewJob(read_spec(encode_json(draft.job), now_ms=0))])
    return shard_of_keys(keys_of(None, job.spec), wiring.backend().shards)


def state_of(row: Schedule) -> dict[str, object]:
    """Return what the audit log keeps of a schedule: what its jobs work on is none of it."""
    source = shown_job(source_of(row))
    source.pop("payload", None)
    return {**source, "paused": row.is_paused}


def _owned_by_code() -> StateConflict:
    detail = "Code declares this schedule: change it there. It can be paused, resumed and run by hand."
    return StateConflict(detail, code="owned_by_code")
