"""The times that a job was a dead letter and was sent back, read from its attempts and from the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jobs.access.models import AuditEntry
from jobs.access.scopes import Action
from jobs.domain.job import Attempt, Delivery, Job
from jobs.domain.status import Status

_LOST_LEASES = 3
# The audit log has the clock of the server, and is written after the act: a free worker may be faster.
_CLOCKS_DIFFER_MS = 2_000


@dataclass(frozen=True, slots=True)
class Reinjection:
    """One return: after how many kept attempts, since when the job was dead, when it was ready again, and by whom.

    Times in Unix ms. `died_at` is None where no attempt tells it, `at` and `by` where no entry of the log does.
    """

    after: int
    died_at: int | None
    at: int | None
    by: str | None
    reason: str = ""


def reinjections_of(job: Job, history: Iterable[AuditEntry]) -> list[Reinjection]:
    """Return the re-injections of a job, oldest first. `history` is what its audit log says, newest first."""
    entries = [entry for entry in history if _is_reinjection(entry)]
    entries.reverse()
    found = [_reinjection(job, after, entries) for after in _deaths(job) if _went_on(job, after)]
    found.extend(
        Reinjection(_ended_before(job.attempts, _at_of(entry)), None, _at_of(entry), entry.actor, entry.reason)
        for entry in entries
    )
    return sorted(found, key=lambda reinjection: reinjection.after)


def _is_reinjection(entry: AuditEntry) -> bool:
    """Tell whether an act sent a dead letter back; a delivery that is sent again may have been none."""
    is_dead = (entry.before or {}).get("status") == Status.DEAD_LETTER.value
    return entry.action == Action.JOB_RETRY.value or (entry.action == Action.DELIVERY_RESEND.value and is_dead)


def _deaths(job: Job) -> Iterator[int]:
    """Count the attempts up to each that made the job a dead letter: the rules of docs/states.md, played again."""
    retries = losses = 0
    for number, attempt in enumerate(job.attempts, 1):
        is_lost = attempt.outcome in ("lost_lease", "crashed")
        is_dead = attempt.outcome == "discarded"
        if attempt.outcome == "failed" or is_lost:
            is_spent = losses + 1 >= _LOST_LEASES if is_lost else retries >= job.max_retries
            is_dead = is_spent or job.delivery is Delivery.AT_MOST_ONCE
        retries, losses = (0, 0) if is_dead else (retries + (attempt.outcome == "failed"), losses + is_lost)
        if is_dead:
            yield number


def _went_on(job: Job, after: int) -> bool:
    return after < len(job.attempts) or (job.ready_at or 0) > (job.attempts[-1].finished_at or 0)


def _reinjection(job: Job, after: int, entries: list[AuditEntry]) -> Reinjection:
    """Return the re-injection after so many attempts, and take its entry out of `entries`."""
    died_at = job.attempts[after - 1].finished_at or 0
    until = job.attempts[after].started_at if after < len(job.attempts) else None
    entry = next((entry for entry in entries if _fits(_at_of(entry), died_at, until)), None)
    if entry is not None:
        entries.remove(entry)
    at = None if entry is None else max(_at_of(entry), died_at)
    if job.ready_at and died_at < job.ready_at and (until is None or job.ready_at <= until):
        at = job.ready_at
    elif at is not None and until is not None:
        at = min(at, until)
    by, reason = (entry.actor, entry.reason) if entry else (None, "")
    return Reinjection(after, died_at, at, by, reason)


def _fits(at: int, died_at: int, until: int | None) -> bool:
    return died_at - _CLOCKS_DIFFER_MS <= at and (until is None or at <= until + _CLOCKS_DIFFER_MS)


def _ended_before(attempts: Sequence[Attempt], at: int) -> int:
    return sum((attempt.finished_at or at + 1) <= at for attempt in attempts)


def _at_of(entry: AuditEntry) -> int:
    return int(entry.at.timestamp() * 1000)
