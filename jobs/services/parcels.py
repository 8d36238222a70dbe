"""What waits in a group commit: jobs of single and of bulk requests, and in which order they go out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from jobs.backends.base import MAX_BATCH, Submission, Submitted
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec

# Of one call: more would keep the connection and the store busy for longer than a call may take.
MAX_CALL_BYTES = 2 * 1024 * 1024

Outcome = Submitted | BackendUnavailable


class Single:
    """One job, the usual case. `tell` gets its outcome, or the error of ours that hit it.

    Who stops waiting sets `is_forgotten`: a job that was not sent by then never is.
    """

    __slots__ = ("arrived", "is_forgotten", "size_bytes", "submissions", "tell")

    is_atomic = False
    taken = 0

    def __init__(self, submission: Submission, arrived: float, tell: Callable[[Outcome | Exception], None]) -> None:
        self.submissions = (submission,)
        self.arrived = arrived
        self.size_bytes = size_bytes(submission.spec)
        self.tell = tell
        self.is_forgotten = False

    def settle(self, _: int, outcomes: Sequence[Outcome]) -> None:
        """Tell who waits."""
        self.tell(outcomes[0])

    def fail(self, error: Exception) -> None:
        """Tell who waits of a mistake of ours."""
        self.tell(error)


class Parcel:
    """The jobs of one bulk request. `done` gets the outcomes in order, once all are known."""

    __slots__ = ("arrived", "done", "is_atomic", "left", "outcomes", "submissions", "taken")

    def __init__(
        self, submissions: Sequence[Submission], loop: asyncio.AbstractEventLoop, *, is_atomic: bool = False
    ) -> None:
        self.submissions = submissions
        self.arrived = loop.time()
        self.is_atomic = is_atomic
        self.outcomes: list[Outcome | None] = [None] * len(submissions)
        self.taken = 0
        self.left = len(submissions)
        self.done: asyncio.Future[list[Outcome]] = loop.create_future()

    @property
    def is_forgotten(self) -> bool:
        """Tell whether nobody waits any more."""
        return self.done.cancelled()

    def fail(self, error: Exception) -> None:
        """Tell who waits of a mistake of ours."""
        if not self.done.done():
            self.done.set_exception(error)

    def settle(self, first: int, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of a stretch; with the last one, tell who waits, unless nobody does any more."""
        self.outcomes[first : first + len(outcomes)] = outcomes
        self.left -= len(outcomes)
        if self.left == 0 and not self.done.done():
            self.done.set_result([outcome for outcome in self.outcomes if outcome is not None])

    def advance(self, jobs: int, room_bytes: int, *, one_at_least: bool) -> int:
        """Take the next jobs, up to a number and a size; return their size in bytes."""
        size, end = 0, min(self.taken + jobs, len(self.submissions))
        while self.taken < end:
            more = size_bytes(self.submissions[self.taken].spec)
            if size + more > room_bytes and (size or not one_at_least):
                break
            size += more
            self.taken += 1
        return size


Stretch = tuple[Single | Parcel, int, int]


class Lane:
    """What waits for one namespace. Single jobs go first, so that a large request delays nobody."""

    def __init__(self) -> None:
        self.calls = 0
        self._singles: deque[Single] = deque()
        self._bulks: deque[Parcel] = deque()
        self._atomics: deque[Parcel] = deque()
        self._is_turn_of_atomic = False

    def __bool__(self) -> bool:
        return bool(self._singles or self._bulks or self._atomics)

    def singles(self) -> int:
        """Return how many single jobs wait."""
        return len(self._singles)

    def add(self, parcel: Single | Parcel) -> None:
        """Queue a parcel."""
        if isinstance(parcel, Single):
            self._singles.append(parcel)
        else:
            (self._atomics if parcel.is_atomic else self._bulks).append(parcel)

    def take(self) -> list[Stretch]:
        """Return what goes out in the next call: few enough in number and bytes, or in its turn one atomic parcel."""
        has_others = bool(self._singles or self._bulks)
        if self._atomics and (self._is_turn_of_atomic or not has_others):
            self._is_turn_of_atomic = False
            parcel = self._atomics.popleft()
            parcel.taken = len(parcel.submissions)
            return [(parcel, 0, parcel.taken)]
        self._is_turn_of_atomic = True
        stretches: list[Stretch] = []
        room_bytes = MAX_CALL_BYTES
        while self._singles and len(stretches) < MAX_BATCH and room_bytes > 0:
            single = self._singles.popleft()
            room_bytes -= single.size_bytes
            stretches.append((single, 0, 1))
        room = MAX_BATCH - len(stretches)
        while self._bulks and room > 0 and room_bytes > 0:
            # What is left of a parcel goes behind the other requests: each gets its turn.
            parcel = self._bulks.popleft()
            first = parcel.taken
            room_bytes -= parcel.advance(room, room_bytes, one_at_least=not stretches)
            if parcel.taken == first:
                self._bulks.appendleft(parcel)
                break
            room -= parcel.taken - first
            stretches.append((parcel, first, parcel.taken))
            if parcel.taken < len(parcel.submissions):
                self._bulks.append(parcel)
        return stretches

    def take_all(self) -> list[Stretch]:
        """Return all that waits, to be refused."""
        waiting: list[Single | Parcel] = [*self._singles, *self._bulks, *self._atomics]
        for queue in (self._singles, self._bulks, self._atomics):
            queue.clear()
        return [(parcel, parcel.taken, len(parcel.submissions)) for parcel in waiting]


def size_bytes(spec: JobSpec) -> int:
    """Return about how many bytes a job is on its way to the store."""
    if not spec.metadata:
        return len(spec.payload)
    return len(spec.payload) + sum(len(name) + len(value) for name, value in spec.metadata.items())
