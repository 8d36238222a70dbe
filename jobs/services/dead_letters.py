"""Dead letters grouped by what killed them, as `bulk_operation.error_group_of` has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import structs

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.bulk_operation import BulkAction, BulkRequest, Canary, Selection, error_group_of, error_type_of
from jobs.domain.error_group import ErrorGroup
from jobs.domain.job import Job
from jobs.domain.status import Status
from jobs.services import operations
from jobs.services.error_groups import known_groups
from jobs.services.operation_details import OperationDetails

MAX_LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class DeadLetterGroup:
    """Dead letters that died alike. Times are Unix ms of the deaths; `message` is that of the newest.

    `known` is what is told of all attempts that failed so, None where nobody told anything.
    """

    id: str
    error_type: str
    kind: str
    count: int
    first_at: int
    last_at: int
    message: str
    queues: tuple[str, ...]
    known: ErrorGroup | None = None

    @property
    def first_seen_at(self) -> int:
        """Return when an attempt first failed so, as far as is known."""
        return min(self.first_at, self.known.first_at) if self.known else self.first_at

    @property
    def last_seen_at(self) -> int:
        """Return when an attempt last failed so, as far as is known."""
        return max(self.last_at, self.known.last_at) if self.known else self.last_at


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
    found: dict[str, list[Job]] = {}
    looked_at = 0
    for job in _letters(actor, limit):
        looked_at += 1
        found.setdefault(error_group_of(job) or "", []).append(job)
    known = known_groups(actor, list(found))
    groups = [_group(name, jobs, known.get(name)) for name, jobs in found.items()]
    groups.sort(key=lambda group: group.last_at, reverse=True)
    return DeadLetterGroups(tuple(groups), looked_at, is_cut=looked_at >= limit)


@dataclass(frozen=True, slots=True)
class Kept:
    """How long dead letters are kept, in ms, and how many at most, None for any number."""

    age_ms: int
    most: int | None


def kept(actor: Actor) -> Kept:
    """Return how long the namespace keeps its dead letters. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    own = wiring.runner().run(wiring.backend().tenants(actor.namespace).use()).retention
    return Kept(own.dead_letter_age_ms or wiring.retention().dead_letter_age_ms, own.dead_letters)


def list_group(actor: Actor, group_id: str, limit: int) -> tuple[Job, ...]:
    """Return up to `limit` letters of a group, newest first. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    return tuple(_of_group(actor, group_id, limit))


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


def _of_group(actor: Actor, group_id: str, limit: int) -> Iterator[Job]:
    left = limit
    for job in _letters(actor, MAX_LOOKED_AT):
        if left <= 0:
            return
        if error_group_of(job) == group_id:
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


def _group(name: str, jobs: list[Job], known: ErrorGroup | None) -> DeadLetterGroup:
    times = [died_at(job) for job in jobs]
    newest = max(jobs, key=died_at)
    return DeadLetterGroup(
        id=name,
        error_type=error_type_of(newest),
        kind=newest.kind,
        count=len(jobs),
        first_at=min(times),
        last_at=max(times),
        message=newest.error.message if newest.error else "",
        queues=tuple(sorted({job.queue for job in jobs})),
        known=known,
    )
