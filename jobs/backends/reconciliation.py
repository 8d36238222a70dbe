"""A walk through one namespace that puts right what does not fit together; somebody else carries its calls out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from jobs.backends.call import Call
from jobs.domain.lease import DEFAULT_LEASE_MS
from jobs.domain.status import Status

# Ids that a report names; the events name all.
_NAMED = 20
# The store counts so many jobs in one step, which takes it some 60 ms. Beyond it wrong counts are only reported.
MAX_RECOUNT = 20_000


class Counting(StrEnum):
    """How the counts of a namespace were found."""

    RIGHT = "right"
    COUNTED = "counted"
    TOO_MANY = "too_many"


class Reconciler(Protocol):
    """Builds the steps of a walk; part of a maintainer."""

    def reconcile_due(self, interval_ms: int, asker: str) -> Call[tuple[str, ...] | None]:
        """Return the queues to walk through; None while another asker did or does. The same asker is told so again."""

    def reconcile_jobs(self, cursor: str, lease_ms: int) -> Call[tuple[str, tuple[str, ...]]]:
        """Look at some jobs from `cursor` (`0` begins); return the next cursor (`0`: the end) and what was repaired."""

    def reconcile_pages(self, first: str) -> Call[tuple[str, tuple[str, ...]]]:
        """Look at some of the list of all jobs from `first` (empty: begins); return where to go on (empty: the end) and
        what was taken out.
        """

    def reconcile_index(self, status: Status, queue: str | None, first: int) -> Call[tuple[int, tuple[str, ...]]]:
        """Look at a stretch of an index; return where to go on (-1: the end) and what was taken out."""

    def reconcile_locks(self, first: int) -> Call[tuple[int, tuple[str, ...]]]:
        """Look at a stretch of the unique keys; return where to go on (-1: the end) and whose locks were freed."""

    def reconcile_waiting(self, first: int) -> Call[tuple[int, tuple[str, ...]]]:
        """Look at a stretch of the steps that wait; return where to go on (-1: the end) and the jobs of those that were
        cancelled, since their workflow is gone.
        """

    def reconcile_workflows(self, rank: int, first: int) -> Call[tuple[int, int, tuple[str, ...]]]:
        """Look at some steps of the workflow of a rank; return rank (-1: the end) and step to go on from, and the jobs
        of the steps that were mended.
        """

    def recount(self, most: int) -> Call[Counting]:
        """Count the jobs anew if the counts do not fit the indexes and there are at most `most`."""


@dataclass(slots=True)
class Reconciled:
    """What a walk has done so far. `examples` are ids of the first repaired jobs.

    `steps_lost` were cancelled, as their workflow is gone; `steps_mended` would have waited in vain.
    """

    jobs_put_back: int = 0
    entries_taken_out: int = 0
    steps_lost: int = 0
    steps_mended: int = 0
    counting: Counting = Counting.RIGHT
    examples: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing had to be repaired."""
        repaired = self.jobs_put_back + self.entries_taken_out + self.steps_lost + self.steps_mended
        return not repaired and self.counting is Counting.RIGHT

    def note(self, ids: Sequence[str]) -> int:
        """Keep some of the ids for the report; return how many there are."""
        self.examples = (*self.examples, *ids)[:_NAMED]
        return len(ids)


def walk(
    reconciler: Reconciler, queues: Sequence[str], lease_ms: int = DEFAULT_LEASE_MS
) -> Generator[Call[Any], Any, Reconciled]:
    """Yield calls and take their answers: first every job, then every index, then the counts; return what was done.

    Jobs may come and go meanwhile: each step judges by what holds in that moment.
    """
    done = Reconciled()
    cursor = "0"
    while True:
        cursor, repaired = yield reconciler.reconcile_jobs(cursor, lease_ms)
        done.jobs_put_back += done.note(repaired)
        if cursor == "0":
            break
    page = ""
    while True:
        page, moved = yield reconciler.reconcile_pages(page)
        done.entries_taken_out += done.note(moved)
        if not page:
            break
    places: list[tuple[Status, str | None]] = [(status, None) for status in Status if status is not Status.QUEUED]
    places += [(Status.QUEUED, queue) for queue in queues]
    for status, queue in places:
        first = 0
        while first >= 0:
            first, taken = yield reconciler.reconcile_index(status, queue, first)
            done.entries_taken_out += done.note(taken)
    first = 0
    while first >= 0:
        first, freed = yield reconciler.reconcile_locks(first)
        done.entries_taken_out += done.note(freed)
    yield from _workflows(reconciler, done)
    done.counting = yield reconciler.recount(MAX_RECOUNT)
    return done


def _workflows(reconciler: Reconciler, done: Reconciled) -> Generator[Call[Any], Any, None]:
    first = 0
    while first >= 0:
        first, lost = yield reconciler.reconcile_waiting(first)
        done.steps_lost += done.note(lost)
    rank, step = 0, 1
    while rank >= 0:
        rank, step, mended = yield reconciler.reconcile_workflows(rank, step)
        done.steps_mended += done.note(mended)
