"""Dead letters grouped by what killed them: the type of the last error and the kind of the job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.bulk_operation import BulkAction, BulkRequest, Canary, Selection, error_type_of
from jobs.domain.job import Job
from jobs.domain.status import Status
from jobs.services import operations
from jobs.services.operation_details import OperationDetails

MAX_LOOKED_AT = 5_000


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
class Manner:
    """How an act on a group is done."""

    pace_per_s: int | None = None
    canary: Canary | None = None
    reason: str = ""


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


def act_on_group(actor: Actor, action: BulkAction, group: Selection, until_ms: int, manner: Manner) -> OperationDetails:
    """Retry or discard the letters of a group that died by `until_ms`: what the person saw when deciding.

    An operation does it; a small one is done when this returns. Raises NotPermitted or BackendUnavailable.
    """
    letters = structs.replace(group, status=Status.DEAD_LETTER, finished_before=until_ms)
    request = BulkRequest(
        action=action, selection=letters, pace_per_s=manner.pace_per_s, canary=manner.canary, reason=manner.reason
    )
    return operations.start(actor, request)


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
