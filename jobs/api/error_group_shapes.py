"""Error groups as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.error_group import ErrorGroup
from jobs.domain.instant import instant
from jobs.domain.job_document import JobShape, job_shape
from jobs.services.error_groups import GroupDetails, GroupNow, GroupPage, GroupState


class VersionShape(msgspec.Struct, frozen=True):
    """A version of the application in which attempts failed so; "" where the worker told none."""

    version: str
    first_seen_at: str
    last_seen_at: str
    count: int


class ErrorGroupShape(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that failed alike. `count` is of attempts, `message` the newest one's, `where` the place in the code.

    `state` is how the job of the newest failure is by now; `newest_job_id` is null where no job is known.
    """

    id: str
    kind: str
    error_type: str
    message: str
    where: str
    first_seen_at: str
    last_seen_at: str
    count: int
    state: GroupState
    versions: tuple[VersionShape, ...]
    newest_job_id: str | None


class ErrorGroupListShape(msgspec.Struct, frozen=True):
    """Groups, the one that was seen last first. `page.prev` is always null."""

    data: tuple[ErrorGroupShape, ...]
    page: PageShape = PageShape()


class ErrorGroupDetailsShape(ErrorGroupShape, frozen=True, kw_only=True):
    """One group with its newest jobs, as a list of jobs has them."""

    jobs: tuple[JobShape, ...]


def error_group_list_shape(page: GroupPage) -> ErrorGroupListShape:
    """Return a page of groups."""
    return ErrorGroupListShape(tuple(map(_shape, page.groups)), PageShape(page.next_cursor))


def error_group_details_shape(found: GroupDetails) -> ErrorGroupDetailsShape:
    """Return one group."""
    shape = msgspec.structs.asdict(_shape(found.now))
    return ErrorGroupDetailsShape(**shape, jobs=tuple(job_shape(job, is_whole=False) for job in found.jobs))


def _shape(now: GroupNow) -> ErrorGroupShape:
    group: ErrorGroup = now.group
    return ErrorGroupShape(
        id=group.id,
        kind=group.kind,
        error_type=group.error_type,
        message=group.message,
        where=group.where,
        first_seen_at=instant(group.first_at),
        last_seen_at=instant(group.last_at),
        count=group.count,
        state=now.state,
        versions=tuple(
            VersionShape(each.version, instant(each.first_at), instant(each.last_at), each.count)
            for each in reversed(group.versions)
        ),
        newest_job_id=group.job_ids[-1] if group.job_ids else None,
    )
