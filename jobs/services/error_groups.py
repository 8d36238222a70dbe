"""Failures that are alike: the groups of a namespace, when they were seen, how often and in which versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.backends.base import MAX_BATCH
from jobs.domain.error_group import MAX_GROUPS, ErrorGroup, is_group_id
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.job import Job
from jobs.domain.status import Status

MAX_PAGE = 200
_CURSOR = re.compile(r"([1-9]\d{0,14})-([0-9a-f]{16})", re.ASCII)


class GroupState(StrEnum):
    """How the job of a group's newest failure is by now. `gone`: it was purged or is kept no more."""

    RETRYING = "retrying"
    DEAD_LETTER = "dead_letter"
    RECOVERED = "recovered"
    CANCELLED = "cancelled"
    GONE = "gone"


_STATE_OF = {
    Status.COMPLETED: GroupState.RECOVERED,
    Status.DEAD_LETTER: GroupState.DEAD_LETTER,
    Status.CANCELLED: GroupState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class GroupNow:
    """A group, and how it stands."""

    group: ErrorGroup
    state: GroupState


@dataclass(frozen=True, slots=True)
class GroupPage:
    """Groups, the one that was seen last first; `next_cursor` is None at the end."""

    groups: tuple[GroupNow, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class GroupDetails:
    """A group with its newest jobs that are still kept, newest first, without payload and result."""

    now: GroupNow
    jobs: tuple[Job, ...]


def list_groups(actor: Actor, limit: int = MAX_PAGE, cursor: str | None = None) -> GroupPage:
    """Return a page of up to `limit` (≤ MAX_PAGE) groups.

    Raises NotPermitted, BackendUnavailable, or InvalidInput `invalid_cursor`.
    """
    policy.authorize(actor, Action.JOB_READ)
    after = None
    if cursor is not None:
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise InvalidInput([Problem("?cursor", "invalid_cursor", "The cursor is not one of this list.")])
        after = int(found[1]), found[2]
    limit = min(limit, MAX_PAGE)
    groups = wiring.runner().run(wiring.backend().error_groups(actor.namespace).newest(limit + 1, after))
    page = groups[:limit]
    following = f"{page[-1].last_at}-{page[-1].id}" if len(groups) > limit else None
    return GroupPage(tuple(_now(actor.namespace, page)), following)


def offered_groups(actor: Actor, named: str | None, limit: int) -> tuple[ErrorGroup, ...]:
    """Return up to `limit` groups to choose from, the one that was seen last first, and the one `named` if it is known.

    Raises NotPermitted or BackendUnavailable.
    """
    policy.authorize(actor, Action.JOB_READ)
    groups = tuple(
        wiring.runner().run(wiring.backend().error_groups(actor.namespace).newest(min(limit, MAX_PAGE), None))
    )
    if named is None or any(group.id == named for group in groups):
        return groups
    return (*groups, *known_groups(actor, [named]).values())


def get_group(actor: Actor, group_id: str) -> GroupDetails:
    """Return one group. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    groups = known_groups(actor, [group_id]) if is_group_id(group_id) else {}
    if group_id not in groups:
        raise NotFound("There is no such group of errors, or it has not been seen for long.")
    group = groups[group_id]
    named = wiring.backend().inspector(actor.namespace).get_many(group.job_ids[::-1])
    jobs = wiring.runner().run(named)
    return GroupDetails(GroupNow(group, _state(jobs[0] if jobs else None)), tuple(job for job in jobs if job))


def known_groups(actor: Actor, ids: Sequence[str]) -> dict[str, ErrorGroup]:
    """Return what is known of groups, of at most MAX_GROUPS of these. Raises NotPermitted or BackendUnavailable."""
    policy.authorize(actor, Action.JOB_READ)
    if not ids:
        return {}
    named = wiring.backend().error_groups(actor.namespace).named(list(ids)[:MAX_GROUPS])
    return {group.id: group for group in wiring.runner().run(named)}


def _now(namespace: str, groups: Sequence[ErrorGroup]) -> list[GroupNow]:
    """Look up the newest job of each, all in one round trip."""
    ids = [group.job_ids[-1] for group in groups if group.job_ids][:MAX_BATCH]
    jobs = wiring.runner().run(wiring.backend().inspector(namespace).get_many(ids)) if ids else []
    found = dict(zip(ids, jobs, strict=True))
    return [GroupNow(group, _state(found.get(group.job_ids[-1]) if group.job_ids else None)) for group in groups]


def _state(job: Job | None) -> GroupState:
    return GroupState.GONE if job is None else _STATE_OF.get(job.status, GroupState.RETRYING)
