"""A page of jobs that is searched piece by piece: the first within a blink, the others while one reads.

The browser asks for one piece after the other, each with what the ones before it came to, until the page is full or the
search has reached its bound. Beyond the bound somebody has to ask for more.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from django.http import QueryDict

from jobs.access.actor import Actor
from jobs.dashboard.job_filters import Filters
from jobs.domain.errors import BackendUnavailable, InvalidInput
from jobs.domain.job import Job
from jobs.services.job_list import JobPage, list_jobs

PAGE = 50
# The bound of one search: so many jobs, or so long (ms).
MOST_LOOKED_AT = 50_000
MOST_MS = 2_500
_FIRST_S, _NEXT_S = 0.15, 0.4
_SO_FAR = re.compile(r"(\d{1,9})-(\d{1,9})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """What is found so far. `on_url` is where the next piece is, if it is to be fetched by itself."""

    jobs: tuple[Job, ...]
    is_cut: bool
    looked_at: int
    most: int
    on_url: str
    next_url: str
    prev_url: str
    again_url: str
    is_lost: bool = False


def begin_search(actor: Actor, filters: Filters, cursor: str | None, started: float) -> Search:
    """Find the first piece of a page; `started` is when the request began (of the monotonic clock)."""
    if filters.errors:
        return Search((), False, 0, MOST_LOOKED_AT, "", "", "", "")
    try:
        found = list_jobs(actor, filters.wanted, cursor, PAGE, look_for_s=_FIRST_S)
    except InvalidInput:
        # A cursor of another list, or one that was cut on its way: the first page is what was meant.
        found = list_jobs(actor, filters.wanted, None, PAGE, look_for_s=_FIRST_S)
    return _search(filters, found, (0, 0, 0), started)


def go_on(actor: Actor, filters: Filters, query: QueryDict) -> Search:
    """Find the next piece of a page. `search` says how many jobs it has, how many were looked at, and how long (ms)."""
    started = time.monotonic()
    so_far, cursor = _numbers(query.get("search", "")), query.get("cursor", "")
    left_s = max(MOST_MS - so_far[2], 0) / 1000
    try:
        found = list_jobs(actor, filters.wanted, cursor, max(PAGE - so_far[0], 1), look_for_s=min(_NEXT_S, left_s))
    except (BackendUnavailable, InvalidInput):
        on = filters.address(cursor=cursor)
        return Search((), True, so_far[1], MOST_LOOKED_AT, "", on, "", filters.address(), is_lost=True)
    return _search(filters, found, so_far, started)


def _search(filters: Filters, found: JobPage, so_far: tuple[int, int, int], started: float) -> Search:
    shown, looked_at, spent_ms = so_far
    shown, looked_at = shown + len(found.jobs), looked_at + (found.searched_newest or 0)
    spent_ms += int((time.monotonic() - started) * 1000)
    is_cut = found.searched_newest is not None
    # Backwards a page is shown as it is: rows would have to come in above.
    is_on = is_cut and not found.is_backwards and shown < PAGE and looked_at < MOST_LOOKED_AT and spent_ms < MOST_MS
    on = f"{shown}-{looked_at}-{spent_ms}"
    return Search(
        jobs=found.jobs,
        is_cut=is_cut,
        looked_at=looked_at,
        most=MOST_LOOKED_AT,
        on_url=filters.address(cursor=found.next_cursor or "", search=on) if is_on else "",
        next_url=filters.address(cursor=found.next_cursor) if found.next_cursor else "",
        prev_url=filters.address(cursor=found.prev_cursor) if found.prev_cursor else "",
        again_url=filters.address(),
    )


def _numbers(text: str) -> tuple[int, int, int]:
    found = _SO_FAR.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)
