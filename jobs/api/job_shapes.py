"""Lists of jobs as the API shows them; one job is `jobs.domain.job_document`."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.job_document import JobShape, job_shape
from jobs.services.job_list import JobPage


class JobListShape(msgspec.Struct, frozen=True):
    """A page of jobs. `searched_newest` says that the search stopped after so many; `page.next` goes on."""

    data: tuple[JobShape, ...]
    page: PageShape
    searched_newest: int | msgspec.UnsetType = msgspec.UNSET


class LogLineShape(msgspec.Struct, frozen=True):
    """A line that a handler wrote."""

    at: str
    attempt: int
    level: str
    text: str


class JobLogShape(msgspec.Struct, frozen=True):
    """The lines that are kept, oldest first."""

    data: tuple[LogLineShape, ...]
    page: PageShape = PageShape()


def job_list_shape(found: JobPage) -> JobListShape:
    """Return a page of jobs."""
    return JobListShape(
        data=tuple(job_shape(job, is_whole=False) for job in found.jobs),
        page=PageShape(found.next_cursor, found.prev_cursor),
        searched_newest=msgspec.UNSET if found.searched_newest is None else found.searched_newest,
    )
