"""What schedules do: run by hand, what became of their instants, and what they will do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.schedule import Schedule
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH, SubmitCode, Submitted
from jobs.backends.schedules import BY_HAND, Fire
from jobs.domain.errors import NotFound
from jobs.domain.fire import FireNote
from jobs.domain.job import Job
from jobs.domain.payload import encode_json
from jobs.domain.schedule import Timing, local_text, read_cron
from jobs.domain.schedule_policy import Overlap
from jobs.domain.shard import shard_of
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from jobs.domain.zone_time import is_repeated, zone_of
from jobs.services.acts import record_act, require_audit_log
from jobs.services.admission import admission
from jobs.services.job_reading import no_such_job
from jobs.services.schedule_rows import database, find_row, job_of, store_now, timing_of
from jobs.services.submission import NewJob, accepted, keyed, read_spec
from jobs.services.submit_span import SubmitSpan

MAX_PREVIEW = 100
MAX_HISTORY = 100
# So many in one minute are a herd.
HERD = 10
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class ComingFire:
    """An instant to come (Unix ms), as the clocks of its zone show it. `note`: `gap` · `repeated` · None."""

    at_ms: int
    local: str
    note: str | None


@dataclass(frozen=True, slots=True)
class PreviewWarning:
    """Something that surprises people: `dst_gap`, `dst_repeated`, `herd_minute`; `broken`: there are no instants."""

    code: str
    detail: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The next instants, and what is odd about them."""

    fires: tuple[ComingFire, ...]
    warnings: tuple[PreviewWarning, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an instant, and the status of its job where there still is one."""

    note: FireNote
    status: Status | None


def run_schedule(
    actor: Actor, reference: str, *, reason: str = "", key: str | None = None, trace: TraceContext | None = None
) -> Job:
    """Make one job of a schedule now, whatever it waits for; return it without its payload. `trace` is the asker's.

    A `key` that was used in the last 24 h makes none: the job of then is returned.

    Raises NotPermitted, NotFound, BackendUnavailable, or as `submission.refusal_of` has it.
    """
    policy.authorize(actor, Action.SCHEDULE_RUN)
    row = find_row(actor, reference)
    admission().require_room()
    require_audit_log()
    now_ms = store_now(actor.namespace, row.id)
    (job,) = keyed(actor.namespace, [NewJob(read_spec(encode_json(job_of(row)), now_ms=now_ms))])
    span = SubmitSpan(actor.namespace, (job,), trace)
    spec = msgspec.structs.replace(span.of(job.spec), schedule=(row.id, now_ms))
    job_id = wiring.identity().make(shard_of(row.id, wiring.backend().shards))
    fire = Fire(
        row.id, job_id, row.revision, 0, BY_HAND, Overlap.ALLOW, (now_ms,), ((job_id, spec),), key=_hashed(row, key)
    )
    decided = wiring.runner().run(wiring.backend().schedules(actor.namespace).fire(fire))
    if not decided.outcomes:
        raise NotFound("Somebody has just removed this schedule.")
    job_id, outcome = decided.outcomes[0]
    if outcome not in ("fired", "overlap"):
        accepted(Submitted(SubmitCode(outcome), job_id, Status.QUEUED, now_ms))
    span.named(job_id)
    span.end()
    record_act(actor, Action.SCHEDULE_RUN, "schedule", row.id, reason=reason, after={"job": job_id})
    (made,) = wiring.runner().run(wiring.backend().inspector(actor.namespace).get_many([job_id]))
    if made is None:
        raise no_such_job(job_id)
    return made


def _hashed(row: Schedule, key: str | None) -> str:
    """Return what stands for a client's key, which is one of this schedule alone."""
    return hashlib.sha256(f"{row.id} {key}".encode()).hexdigest()[:40] if key else ""


def history_of(actor: Actor, reference: str, limit: int = MAX_HISTORY) -> list[Outcome]:
    """Return what became of the last instants of a schedule, newest first.

    Raises NotPermitted, NotFound or BackendUnavailable.
    """
    policy.authorize(actor, Action.SCHEDULE_READ)
    row = find_row(actor, reference)
    return recent_of(actor, [row.id], limit)[row.id]


def recent_of(actor: Actor, schedule_ids: Sequence[str], amount: int) -> dict[str, list[Outcome]]:
    """Return what became of the last `amount` instants of some schedules by id, newest first, in two round trips.

    Raises NotPermitted or BackendUnavailable.
    """
    policy.authorize(actor, Action.SCHEDULE_READ)
    backend, run_many = wiring.backend(), wiring.runner().run_many
    found = run_many([backend.schedules(actor.namespace).history(it, amount) for it in schedule_ids])
    job_ids = [note.job_id for notes in found for note in notes if note.job_id is not None]
    inspector = backend.inspector(actor.namespace)
    parts = [inspector.get_many(job_ids[at : at + MAX_BATCH]) for at in range(0, len(job_ids), MAX_BATCH)]
    status = {job.id: job.status for jobs in run_many(parts) for job in jobs if job is not None}
    return {
        schedule_id: [Outcome(note, status.get(note.job_id or "")) for note in notes]
        for schedule_id, notes in zip(schedule_ids, found, strict=True)
    }


def preview_of(actor: Actor, reference: str, amount: int) -> Preview:
    """Return the next instants of a schedule, paused or not. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.SCHEDULE_READ)
    row = find_row(actor, reference)
    if row.failures:
        return Preview((), (PreviewWarning("broken", row.fault, row.look_ms),))
    coming = _coming(timing_of(row), store_now(actor.namespace, row.id), amount)
    return _preview(actor, timing_of(row), coming, row.jitter_ms, row.id)


def preview_timing(actor: Actor, timing: Timing, jitter_ms: int, amount: int, now_ms: int) -> Preview:
    """Return the next instants of a timing that nobody has saved. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.SCHEDULE_READ)
    return _preview(actor, timing, _coming(timing, now_ms, amount), jitter_ms, "")


def _coming(timing: Timing, now_ms: int, amount: int) -> tuple[ComingFire, ...]:
    instants = islice(timing.instants_after(now_ms), amount)
    return tuple(ComingFire(it, local_text(timing, it), _note_of(timing, it)) for it in instants)


def _preview(actor: Actor, timing: Timing, fires: tuple[ComingFire, ...], jitter_ms: int, schedule_id: str) -> Preview:
    herds = [] if jitter_ms else _herd_warnings(actor, fires[:1], schedule_id)
    return Preview(fires, (*_clock_warnings(timing, fires), *herds))


def _note_of(timing: Timing, at_ms: int) -> str | None:
    """Return what the zone's clocks do to an instant."""
    if not timing.cron:
        return None
    zone = zone_of(timing.zone)
    wall, before = _wall(at_ms, zone), _wall(at_ms - _MINUTE_MS, zone)
    jump = wall - before
    cron = read_cron(timing.cron)
    if cron.is_fixed and jump > timedelta(minutes=1) and next(cron.walls_after(before)) < wall:
        return "gap"
    return "repeated" if is_repeated(zone, wall) else None


def _wall(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def _clock_warnings(timing: Timing, fires: tuple[ComingFire, ...]) -> Iterator[PreviewWarning]:
    gap = next((fire for fire in fires if fire.note == "gap"), None)
    if gap is not None:
        detail = f"Clocks are set forward over the time it names: it fires at {gap.local}, the first instant after."
        yield PreviewWarning("dst_gap", detail, gap.at_ms)
    twice = next((fire for fire in fires if fire.note == "repeated"), None)
    if twice is not None:
        is_fixed = read_cron(timing.cron).is_fixed
        what = "it fires once, the first time" if is_fixed else "it fires both times"
        yield PreviewWarning("dst_repeated", f"Clocks show {twice.local[:16]} twice: {what}.", twice.at_ms)


def _herd_warnings(actor: Actor, fires: tuple[ComingFire, ...], schedule_id: str) -> Iterator[PreviewWarning]:
    for fire in fires:
        minute = fire.at_ms - fire.at_ms % _MINUTE_MS
        coming = Schedule.objects.filter(namespace=actor.namespace, is_paused=False, is_asleep=False)
        with database():
            others = coming.filter(next_ms__gte=minute, next_ms__lt=minute + _MINUTE_MS).exclude(pk=schedule_id).count()
        if others >= HERD:
            detail = f"{others} other schedules fire in the same minute. Another minute, or jitter_ms, spreads them."
            yield PreviewWarning("herd_minute", detail, fire.at_ms)
