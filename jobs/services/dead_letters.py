"""Dead letters grouped by what killed them: the type of the last error and the kind of the job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.job import Job
from jobs.domain.status import Status
from jobs.services import operations
from jobs.services.operations import BulkAction

MAX_LOOKED_AT = 5_000
_NO_ERROR = "(no error)"


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """Dead letters that died alike. Times are Unix ms of the deaths; `message` is that of the newest."""

    error_type: str
    kind: str
    count: int
    first_at: int
    last_at: int
    message: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadLetterGroups:
    """All groups, the newest death first. `is_cut` says that only the newest `looked_at` letters were grouped."""

    groups: tuple[DeadLetterGroup, ...]
    looked_at: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class GroupAct:
    """What an act on a group began: how many jobs it takes, and how many it has done already."""

    total: int
    done: int
    failed: int


def error_type_of(job: Job) -> str:
    """Return what a dead letter is grouped by: its last error's type, else the reason of its death."""
    if job.error is not None and job.error.type:
        return job.error.type
    return job.reason or _NO_ERROR


def list_groups(actor: Actor, limit: int = MAX_LOOKED_AT) -> DeadLetterGroups:
    """Group the newest `limit` dead letters. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    found: dict[tuple[str, str], list[Job]] = {}
    looked_at = 0
    for job in _letters(actor, limit):
        looked_at += 1
        found.setdefault((error_type_of(job), job.kind), []).append(job)
    groups = [_group(error_type, kind, jobs) for (error_type, kind), jobs in found.items()]
    groups.sort(key=lambda group: group.last_at, reverse=True)
    return DeadLetterGroups(tuple(groups), looked_at, is_cut=looked_at >= limit)


def list_group(actor: Actor, error_type: str, kind: str, limit: int) -> tuple[Job, ...]:
    """Return up to `limit` letters of a group, newest first. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    return tuple(_of_group(actor, error_type, kind, limit))


def act_on_group(
    actor: Actor, action: BulkAction, error_type: str, kind: str, until_ms: int, *, reason: str = ""
) -> GroupAct:
    """Retry or discard the letters of a group that died by `until_ms`: what the person saw when deciding.

    The first 200 of each thousand before this returns, the rest soon after. Raises NotPermitted or
    BackendUnavailable.
    """
    policy.authorize(actor, Action.BULK_OPERATE)
    ids = [job.id for job in _of_group(actor, error_type, kind, MAX_LOOKED_AT) if died_at(job) <= until_ms]
    done = failed = 0
    for start in range(0, len(ids), operations.MAX_IDS):
        begun = operations.start_bulk(actor, action, ids[start : start + operations.MAX_IDS], reason=reason)
        done += begun.done
        failed += begun.failed
    return GroupAct(len(ids), done, failed)


def died_at(job: Job) -> int:
    """Return when the job became a dead letter, in Unix ms."""
    return job.finished_at or job.created_at


def _of_group(actor: Actor, error_type: str, kind: str, limit: int) -> Iterator[Job]:
    left = limit
    for job in _letters(actor, MAX_LOOKED_AT):
        if left <= 0:
            return
        if job.kind == kind and error_type_of(job) == error_type:
            left -= 1
            yield job


def _letters(actor: Actor, limit: int) -> Iterator[Job]:
    inspector = wiring.backend().inspector(actor.namespace)
    after = None
    left = limit
    while left > 0:
        listing = wiring.runner().run(inspector.list_jobs(Status.DEAD_LETTER, None, after, min(left, MAX_BATCH)))
        yield from listing.jobs
        left -= len(listing.jobs)
        after = listing.after
        if after is None:
            return


def _group(error_type: str, kind: str, jobs: list[Job]) -> DeadLetterGroup:
    times = [died_at(job) for job in jobs]
    newest = max(jobs, key=died_at)
    return DeadLetterGroup(
        error_type=error_type,
        kind=kind,
        count=len(jobs),
        first_at=min(times),
        last_at=max(times),
        message=newest.error.message if newest.error else "",
        queues=tuple(sorted({job.queue for job in jobs})),
    )
